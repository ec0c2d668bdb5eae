import type { MemberItem } from '@parley/protocol/conversation'
import { strings } from '../strings.ts'

/** Who has not touched a key for so long has stopped. */
const IDLE_MS = 5_000

/** Tells the others that one types, and when one stops. */
export interface TypingSignal {
  typed(): void
  stopped(): void
}

/** `tell` is called with true at each key, and once with false. */
export function typingSignal(tell: (on: boolean) => void): TypingSignal {
  let idle: ReturnType<typeof setTimeout> | undefined
  const stopped = () => {
    if (idle === undefined) return
    clearTimeout(idle)
    idle = undefined
    tell(false)
  }
  return {
    stopped,
    typed() {
      clearTimeout(idle)
      idle = setTimeout(stopped, IDLE_MS)
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
