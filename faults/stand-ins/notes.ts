import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { crashPoint } from '@parley/kit/crash'
import { type Random, random } from '../random.ts'
import { monotonic, type Note } from '../recorder.ts'
import { journalReader, journalWriter } from './journal.ts'

/** A line of what a stand-in noted: what happened, by the clock that all processes share, or that the answer to it has left. */
export type Noted = { n: string; at: number; event: Note } | { answered: string }

export const NOTED_FILE = 'noted'
export const ASKED_FILE = 'told'

/** What a stand-in's process has of its runs before, and leaves to the next: what it was told, and what it noted. */
export interface Notes {
  readonly folder: string
  readonly port: number
  readonly dice: Random
  /** Whether it breaks what it is asked, now and then. Reads what it was told first. */
  breaks(): boolean
  /** Calls `hear` with what it was told since the last call. */
  listen(): void
  /** Notes what was taken, before it is answered; what was not noted was not taken. Gives the name to call when the answer has left. */
  note(event: Note): string
  answered(n: string | undefined): void
}

/** Of the process that runs: `folder port seed` are its words. */
export function openNotes<Told>(hear: (line: Told) => void): Notes {
  const [, , folder = '', port, seed] = process.argv
  const write = journalWriter<Noted>(join(folder, NOTED_FILE))
  const earlier = journalReader<Noted>(join(folder, NOTED_FILE))().length
  const news = journalReader<Told | { mended: true }>(join(folder, ASKED_FILE))
  let mended = false

  function listen(): void {
    for (const line of news()) {
      if (typeof line === 'object' && line !== null && 'mended' in line) mended = true
      else hear(line as Told)
    }
  }

  return {
    folder,
    port: Number(port),
    // Not what it did after its last start once more.
    dice: random(Number(seed) + earlier),
    listen,
    breaks() {
      listen()
      return !mended
    },
    note(event) {
      const n = randomUUID()
      crashPoint('stand-in.before-note')
      write({ n, at: monotonic(), event })
      crashPoint('stand-in.after-note')
      return n
    },
    answered(n) {
      if (n !== undefined) write({ answered: n })
    },
  }
}
