import type { Event } from './history.ts'

/** An event without its time. */
export type Note = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

/** Milliseconds of the clock that all processes of a machine share, and that nobody sets. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1_000_000

/** Collects what happens, with one clock for all devices. */
export interface Recorder {
  /** Milliseconds since the run began. */
  now(): number
  /** The same for a moment of the clock that all processes share. */
  at(moment: number): number
  /** `at` where it happened before now (an invocation is written down when its id is known). */
  note(event: Note, at?: number): void
  /** What another process wrote down is part of it: all of that, each time that it is asked for. */
  include(source: () => Event[]): void
  /** Everything, in order of time. */
  events(): Event[]
}

export function openRecorder(): Recorder {
  const events: Event[] = []
  const sources: (() => Event[])[] = []
  const begun = monotonic()
  const at = (moment: number): number => moment - begun
  const now = (): number => at(monotonic())
  return {
    now,
    at,
    include: (source) => void sources.push(source),
    note: (event, at = now()) => void events.push({ ...event, at } as Event),
    events: () => [...events, ...sources.flatMap((source) => source())].toSorted((a, b) => a.at - b.at),
  }
}
