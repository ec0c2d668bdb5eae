import { join } from 'node:path'
import { freePort } from '@parley/infra/ports'
import { listens } from '@parley/infra/probe'
import { type Server, server } from '@parley/infra/server'
import { bareEnv } from '@parley/infra/settings'
import type { Event } from '../history.ts'
import type { Recorder } from '../recorder.ts'
import { journalReader, journalWriter } from './journal.ts'
import { ASKED_FILE, NOTED_FILE, type Noted } from './notes.ts'

/** What stands in for a server of the outside world, as a process of its own: killed, frozen and started again as any other. */
export interface StandIn<Told> {
  readonly server: Server
  readonly port: number
  /** Tells it something, for good: from its next request on it goes by it, whether it lives at the moment or not. */
  tell(line: Told | typeof MENDED): void
}

/** From then on it does all that it is asked, at once. */
export const MENDED = { mended: true } as const

/** Runs `program` of this folder and has the history say what it noted. Its files are in `folder`, which is there. */
export async function openStandIn<Told>(
  { name, program, seed }: { name: string; program: string; seed: number },
  folder: string,
  recorder: Recorder,
): Promise<StandIn<Told>> {
  const port = await freePort()
  const self = server({
    name,
    kind: 'stand-in',
    url: `127.0.0.1:${port}`,
    parts: [
      {
        command: {
          file: process.execPath,
          args: [join(import.meta.dirname, program), folder, String(port), String(seed)],
          env: bareEnv,
          log: join(folder, 'log'),
        },
        ready: () => listens(port),
        readyWithinMs: 30_000,
      },
    ],
    holder: 0,
  })
  await self.start()
  const news = journalReader<Noted>(join(folder, NOTED_FILE))
  const noted: Noted[] = []
  recorder.include(() => {
    noted.push(...news())
    return eventsOf(noted, recorder)
  })
  return { server: self, port, tell: journalWriter(join(folder, ASKED_FILE)) }
}

/** An answer that it did not note has not surely left. */
function eventsOf(noted: readonly Noted[], recorder: Recorder): Event[] {
  const answered = new Set(noted.flatMap((line) => ('answered' in line ? [line.answered] : [])))
  return noted.flatMap((line) => {
    if ('answered' in line) return []
    const at = recorder.at(line.at)
    return [{ ...line.event, at, ...('answered' in line.event && { answered: answered.has(line.n) }) } as Event]
  })
}
