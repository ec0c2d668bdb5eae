import type { Standing } from '@parley/protocol/standing'
import type { Verdict } from './answers.ts'
import { CAUSES, type Cause } from './decision.ts'
import type { NewDelivery, Shown } from './store/deliveries.ts'
import type { Watch } from './store/watches.ts'

/** A push that has waited longer, or was tried before, is decided on once more: what it tells of may have been read, edited, or deleted. */
export const FRESH_MS = 2_000

/** What one device is told: of a conversation one thing, which takes the place of what it was told of that before. */
export interface PushNote {
  deviceId: string
  conversationId: string
  kind: 'direct' | 'group'
  /** Of a group. */
  title: string
  /** The newest of those of the messages told that have the most weight (`CAUSES`), who sent it and what it says. */
  seq: number
  sender: string
  text: string
  because: Cause
  /** How many messages are told. */
  count: number
}

/** What one device is told to see that it is told at all: of nothing that was said. `test` is the id of the test. */
export interface TestNote {
  deviceId: string
  test: string
}

export const isTest = (note: PushNote | TestNote): note is TestNote => 'test' in note

/** What a push is about, for the question why. */
export const aboutOf = (conversationId: string, toSeq: number): string => `${conversationId}/${toSeq}`

/** Where a device shows what it is told of a conversation, up to that message. */
export const shownOf = (conversationId: string, toSeq: number, deviceId: string): Shown => ({
  topic: `${conversationId}/${deviceId}`,
  upTo: toSeq,
})

/** Up to which message a push tells, by what it is about. */
export const upToOf = (about: string): number => Number(about.slice(about.lastIndexOf('/') + 1))

/** The pushes to all devices of all who are told, with ids that are the same however often this is worked out. Decided `at`, and due `dueAt`. */
export function pushesOf(
  told: Standing,
  verdicts: readonly Verdict[],
  watch: Watch,
  at: number,
  dueAt = at,
): NewDelivery[] {
  const { conversationId, toSeq } = watch
  const about = aboutOf(conversationId, toSeq)
  return verdicts.flatMap((verdict) => {
    const note = noteOf(told, verdict, conversationId)
    if (!note) return []
    return verdict.devices.map(({ id }) => ({
      id: `push/${about}/${id}`,
      channel: 'push' as const,
      userId: verdict.userId,
      about,
      shown: shownOf(conversationId, toSeq, id),
      plannedAt: at,
      dueAt,
      payload: { deviceId: id, ...note } satisfies PushNote,
    }))
  })
}

/** Of several the newest that matters most: a mention is not hidden behind what was said after it. */
function noteOf({ kind, title, messages }: Standing, { decisions }: Verdict, conversationId: string) {
  const causes = decisions.flatMap((decision, at) =>
    decision.outcome === 'push' ? [{ because: decision.because, message: messages[at]! }] : [],
  )
  if (causes.length === 0) return undefined
  const because = CAUSES.find((cause) => causes.some((one) => one.because === cause))!
  const { seq, sender, text } = causes.findLast((one) => one.because === because)!.message
  return { conversationId, kind, title, seq, sender, text, because, count: causes.length }
}
