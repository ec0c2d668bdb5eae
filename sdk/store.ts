import type { Readable } from './types.ts'

/** A `Readable` and the way to change it. */
export interface Writable<T> extends Readable<T> {
  /** Does nothing when `value` is the same object as before. */
  set(value: T): void
}

/** A value that its owner sets. */
export function writable<T>(initial: T): Writable<T> {
  let value = initial
  const listeners = openListeners()
  return {
    get: () => value,
    subscribe: listeners.add,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      listeners.tell()
    },
  }
}

/** A `Readable` worked out when it is read, and the way to say that it is out of date. */
export interface Derived<T> extends Readable<T> {
  changed(): void
}

/** A value worked out by `make` at the first `get` after a change, so that many changes in a row cost one. */
export function derived<T>(make: () => T): Derived<T> {
  let value: { is: T } | undefined
  const listeners = openListeners()
  return {
    get() {
      value ??= { is: make() }
      return value.is
    },
    subscribe: listeners.add,
    changed() {
      value = undefined
      listeners.tell()
    },
  }
}

/** Listeners told once per turn however often `tell` is called, so that a page of 200 messages draws once. */
function openListeners(): { add(listener: () => void): () => void; tell(): void } {
  const listeners = new Set<{ call: () => void }>()
  let due = false
  return {
    add(listener) {
      const entry = { call: listener }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    tell() {
      if (due || listeners.size === 0) return
      due = true
      queueMicrotask(() => {
        due = false
        for (const { call } of [...listeners]) guarded(call)
      })
    },
  }
}

/** Calls what belongs to someone else; its error must not stop ours. */
export function guarded(call: () => void): void {
  try {
    call()
  } catch (error) {
    console.error(error)
  }
}
