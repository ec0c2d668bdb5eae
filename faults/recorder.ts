import type { Event } from './history.ts'

/** An event without its time. */
export type Note = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

/** Collects what happens, with one clock for all devices. */
export interface Recorder {
  /** Milliseconds since the run began. */
  now(): number
  /** `at` where it happened before now (an invocation is written down when its id is known). */
  note(event: Note, at?: number): void
  /** Everything, in order of time. */
  events(): Event[]
}

export function openRecorder(): Recorder {
  const events: Event[] = []
  const begun = performance.now()
  const now = (): number => performance.now() - begun
  return {
    now,
    note: (event, at = now()) => void events.push({ ...event, at } as Event),
    events: () => events.toSorted((a, b) => a.at - b.at),
  }
}
