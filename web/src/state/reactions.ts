import type { MemberItem } from '@parley/protocol/conversation'
import { strings } from '../strings.ts'
import type { RowReaction } from './rows.ts'

/** What stands in the menu of every message. */
export const COMMON_EMOJI: readonly string[] = ['👍', '❤️', '😂', '😮', '😢', '🙏']

/** What one chooses from where these are not enough. */
export const MORE_EMOJI: readonly string[] = [
  ...['😀', '😅', '😊', '😍', '😉', '🤔', '😎', '😴', '😭', '😡', '🥳', '🤯'],
  ...['👎', '👏', '🙌', '💪', '👀', '🤝', '🎉', '🔥', '✨', '💯', '✅', '❌'],
]

/** The server's own rule. */
export function isEmoji(text: string): boolean {
  return /^\p{RGI_Emoji}$/v.test(text)
}

/** Who set it: oneself first, then those known by name, then how many more. */
export function reactors({ userIds, mine }: RowReaction, meId: string, members: readonly MemberItem[]): string {
  const others = userIds.filter((id) => id !== meId)
  const known = others
    .map((id) => members.find((member) => member.userId === id)?.username)
    .filter((name) => name !== undefined)
  return strings.message.reactors([...(mine ? [strings.list.you] : []), ...known], others.length - known.length)
}
