import type { ChangeEntry, Entry, MessageEntry } from '@parley/protocol/conversation'
import type { BusEvent } from '@parley/protocol/events'

/** What the bus is told of committed entries, made of nothing else: the same entries make the same events. */

/** Conversations that one event tells of. */
const TOLD_AT_ONCE = 1_000

/**
 * The events that tell of these messages, of each conversation in order: each of so many conversations, with who sent what there. None
 * needs another: the bus may refuse any of them and take the rest.
 */
export function newsIn(
  messages: readonly MessageEntry[],
  atOnce = TOLD_AT_ONCE,
): Extract<BusEvent, { type: 'messages.created' }>[] {
  const all = [...Map.groupBy(messages, conversationOf).values()]
  return Array.from({ length: Math.ceil(all.length / atOnce) }, (_, n) => {
    const some = all.slice(n * atOnce, (n + 1) * atOnce)
    // Of the first of them: while the bus refuses it, that stays the first.
    const first = some[0]!.at(-1)!
    return {
      ...{ ...envelopeOf(first), id: `messages/${idOf(first)}`, key: 'messages', rev: 0 },
      type: 'messages.created',
      data: {
        conversations: some.map((own) => ({
          conversationId: own[0]!.conversationId,
          fromSeq: own[0]!.seq,
          seq: own.at(-1)!.seq,
        })),
        senderIds: [...new Set(some.flatMap((own) => own.map(({ senderId }) => senderId)))],
      },
    }
  })
}

/** Of these, of one conversation, which name somebody or answer a message. */
export const addressedIn = (own: readonly MessageEntry[]): BusEvent => ({
  ...{ ...envelopeOf(own.at(-1)!), id: `${idOf(own.at(-1)!)}/addressed`, type: 'messages.addressed' },
  data: { conversationId: own[0]!.conversationId, seqs: own.map(({ seq }) => seq) },
})

export const isAddressed = ({ mentions, mentionsAll, replyTo }: MessageEntry): boolean =>
  mentions !== undefined || mentionsAll !== undefined || replyTo !== undefined

export const changeOf = (entry: ChangeEntry): BusEvent => ({
  ...envelopeOf(entry),
  type: 'conversation.changed',
  data: entry,
})

export const conversationOf = ({ conversationId }: Entry): string => conversationId

export const idOf = (entry: Entry): string => `${entry.conversationId}/${entry.rev}`

const envelopeOf = (entry: Entry) => ({
  id: idOf(entry),
  version: 1 as const,
  occurredAt: entry.createdAt,
  key: entry.conversationId,
  rev: entry.rev,
})
