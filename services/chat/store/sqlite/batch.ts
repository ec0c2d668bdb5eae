import type { Marks } from '@parley/protocol/conversation'
import type { Appended, Draft } from '../store.ts'
import type { Answer, Command, MarkRequest } from './round.ts'

/** A request that is to be committed, and who waits for what comes of it. */
export interface Waiting<Request, Reply> {
  request: Request
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** What is committed together. */
export interface Batch {
  appends: Waiting<Draft, Appended>[]
  marks: Waiting<MarkRequest, Marks & { changed: boolean }>[]
  commands: Waiting<Command, Answer>[]
}

/** Everything in it as a batch of its own, in the order in which it would have been carried out. */
export const partsOf = ({ appends, marks, commands }: Batch): Batch[] => [
  ...appends.map((one) => ({ appends: [one], marks: [], commands: [] })),
  ...commands.map((one) => ({ appends: [], marks: [], commands: [one] })),
  ...marks.map((one) => ({ appends: [], marks: [one], commands: [] })),
]

/** All who wait for it. */
export const waitingIn = ({ appends, marks, commands }: Batch): { reject(error: Error): void }[] => [
  ...appends,
  ...commands,
  ...marks,
]
