import type { Link } from './connection.ts'

/** Who is typing where, and telling that oneself is. Never kept, and lost without harm. */
export interface Typing {
  in(conversationId: string): readonly string[]
  /** Somebody began or stopped; whoever says nothing more is taken to have stopped after 6 s. */
  heard(conversationId: string, userId: string, on: boolean): void
  set(conversationId: string, on: boolean, link: Link | undefined): void
  clear(): void
}

const EXPIRES_MS = 6_000
/** Said again while one goes on, well before the others forget. */
const REPEAT_MS = 3_000

export function openTyping(changed: (conversationId: string, userId: string, on: boolean) => void): Typing {
  const rooms = new Map<string, Map<string, ReturnType<typeof setTimeout>>>()
  const said = new Map<string, number>()

  function stop(conversationId: string, userId: string): void {
    const room = rooms.get(conversationId)
    if (!room?.has(userId)) return
    clearTimeout(room.get(userId))
    room.delete(userId)
    if (room.size === 0) rooms.delete(conversationId)
    changed(conversationId, userId, false)
  }

  return {
    in: (conversationId) => [...(rooms.get(conversationId)?.keys() ?? [])],
    heard(conversationId, userId, on) {
      if (!on) return stop(conversationId, userId)
      const room = rooms.get(conversationId) ?? new Map()
      rooms.set(conversationId, room)
      const isNew = !room.has(userId)
      clearTimeout(room.get(userId))
      room.set(
        userId,
        setTimeout(() => stop(conversationId, userId), EXPIRES_MS),
      )
      if (isNew) changed(conversationId, userId, true)
    },
    set(conversationId, on, link) {
      const last = said.get(conversationId)
      if (!link || (on ? last !== undefined && performance.now() - last < REPEAT_MS : last === undefined)) return
      if (on) said.set(conversationId, performance.now())
      else said.delete(conversationId)
      link.call(on ? 'typing.start' : 'typing.stop', { conversationId }).catch(() => {})
    },
    clear() {
      for (const room of rooms.values()) for (const timer of room.values()) clearTimeout(timer)
      rooms.clear()
      said.clear()
    },
  }
}
