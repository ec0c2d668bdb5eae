import { guarded } from './store.ts'

/** Typed events; a handler that throws hurts nobody else. */
export interface Emitter<Events extends { [E in keyof Events]: (...args: never[]) => void }> {
  on<E extends keyof Events>(event: E, handler: Events[E]): () => void
  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): void
}

export function openEmitter<Events extends { [E in keyof Events]: (...args: never[]) => void }>(): Emitter<Events> {
  const handlers = new Map<keyof Events, Set<{ call: (...args: never[]) => void }>>()
  return {
    on(event, handler) {
      const set = handlers.get(event) ?? new Set()
      handlers.set(event, set)
      const entry = { call: handler }
      set.add(entry)
      return () => void set.delete(entry)
    },
    emit(event, ...args) {
      for (const { call } of [...(handlers.get(event) ?? [])]) guarded(() => call(...(args as never[])))
    },
  }
}
