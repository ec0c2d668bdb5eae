import type { AlertItem } from '@parley/protocol/alert'
import { strings } from '../strings.ts'

/** What happened, in one sentence. `names`: of the actors, as they are shown; `title`: of the group, where one is in it. */
export function sentenceOf(alert: AlertItem, names: readonly string[], title: string | undefined): string {
  const words = strings.alerts
  const who = words.who(names, alert.actorCount)
  switch (alert.kind) {
    case 'mention':
      return words.mention(who, title)
    case 'mention.all':
      return words.mentionAll(who, title)
    case 'reply':
      return words.reply(who, title)
    case 'reaction':
      return words.reaction(who, alert.emoji ?? '', title)
    case 'contact.requested':
      return words.requested(who)
    case 'contact.accepted':
      return words.accepted(who)
    case 'group.added':
      return words.added(who, title)
    case 'session.started':
      return words.started(alert.device ?? '', alert.place)
    case 'session.reused':
      return words.reused(alert.device ?? '')
    case 'password.changed':
      return words.password
    case 'email.changed':
      return words.email
    default:
      return alert.kind satisfies never
  }
}

/** Where an alert leads. */
export type Place = 'contacts' | 'devices' | { conversationId: string; seq?: number }

export function placeOf({ kind, conversationId, seq }: AlertItem): Place {
  if (conversationId !== undefined) return { conversationId, ...(seq !== undefined && { seq }) }
  return kind === 'contact.requested' || kind === 'contact.accepted' ? 'contacts' : 'devices'
}
