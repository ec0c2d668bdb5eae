import { LIMITS } from '@parley/protocol/limits'
import { isMuted } from '@parley/protocol/settings'
import type { ConversationView } from '@parley/sdk/types'
import { strings } from '../strings.ts'

/** An unread count as a badge shows it: nothing at zero, exact to 999, then `999+`. */
export function badge(unread: number): string {
  if (unread <= 0) return ''
  return unread > LIMITS.unreadMax ? `${LIMITS.unreadMax}+` : String(unread)
}

/** Unread messages of all conversations that are not muted: the sum of their badges, by construction. */
export function totalUnread(conversations: readonly ConversationView[], now = new Date()): number {
  return conversations.reduce((sum, { me }) => sum + (isMuted(me.settings, now) ? 0 : me.unread), 0)
}

/** Title of the browser's tab: what is unread, where one is, and the product. */
export function tabTitle(unread: number, conversation?: string): string {
  const name = conversation ? `${conversation} · ${strings.product}` : strings.product
  const count = badge(unread)
  return count ? `(${count}) ${name}` : name
}
