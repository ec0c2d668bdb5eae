import type { MemberItem } from '@parley/protocol/conversation'
import { strings } from '../strings.ts'

/** A device forgets that someone types some 6 s after the last word of it, so it is said again before. */
const REPEAT_MS = 3_000
/** Who has not touched a key for so long has stopped. */
const IDLE_MS = 5_000

/** Tells the others that one types: at the first key, again while it goes on, and when it stops. */
export interface TypingSignal {
  typed(): void
  stopped(): void
}

/** `tell` is called with true and false, no more often than needed. */
export function typingSignal(tell: (on: boolean) => void): TypingSignal {
  let toldAt: number | undefined
  let idle: ReturnType<typeof setTimeout> | undefined
  const stopped = () => {
    clearTimeout(idle)
    if (toldAt === undefined) return
    toldAt = undefined
    tell(false)
  }
  return {
    stopped,
    typed() {
      clearTimeout(idle)
      idle = setTimeout(stopped, IDLE_MS)
      if (toldAt !== undefined && Date.now() - toldAt < REPEAT_MS) return
      toldAt = Date.now()
      tell(true)
    },
  }
}

/** The line that says who types; undefined when nobody does. Who is not among the known members is someone. */
export function typingLine(userIds: readonly string[], members: readonly MemberItem[]): string | undefined {
  if (userIds.length === 0) return undefined
  const names = userIds.map((id) => members.find((member) => member.userId === id)?.username)
  const known = names.filter((name) => name !== undefined)
  return known.length === names.length ? strings.chat.typing(known) : strings.chat.typingSomeone
}
