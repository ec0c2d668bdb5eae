import { v7 as newId } from 'uuid'

/**
 * `Idempotency-Key`s of what creates something: as long as the same thing was asked for and no answer came, asking again
 * is the same request, so that it is made once.
 */
export function openRepeatKeys() {
  const keys = new Map<string, string>()
  return async <T>(request: unknown, ask: (key: string) => Promise<T>): Promise<T> => {
    const name = JSON.stringify(request)
    const key = keys.get(name) ?? newId()
    // One for each of the last few things: nobody repeats more than that by hand.
    if (keys.size >= 20) keys.delete(keys.keys().next().value!)
    keys.set(name, key)
    const reply = await ask(key)
    keys.delete(name)
    return reply
  }
}
