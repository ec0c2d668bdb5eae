import { Fault } from '@parley/kit/fault'
import type { Conversation } from './conversation.ts'
import type { Mentions } from './mentions.ts'
import type { DraftExtras, LogStore } from './store/store.ts'

/** What someone sends, as far as it decides what the message carries. */
export interface Carrying {
  text: string
  replyTo?: number | undefined
  forwarded?: true | undefined
}

/** What a message carries besides its text. */
export interface Extras {
  /**
   * Decides it for a member's message, or why it may not be sent: what it answers must be there for the sender, and not deleted.
   * Undefined, without a wait, for a message that carries nothing, as most do.
   */
  of(
    senderId: string,
    message: Carrying,
    conversation: Conversation,
  ): Promise<DraftExtras | Fault | undefined> | undefined
}

export function openExtras(log: Pick<LogStore, 'readMessages'>, mentions: Pick<Mentions, 'namedBy'>): Extras {
  async function decide(
    senderId: string,
    { text, replyTo, forwarded }: Carrying,
    conversation: Conversation,
  ): Promise<DraftExtras | Fault | undefined> {
    const refusal = replyTo === undefined ? undefined : await quoteRefusal(senderId, replyTo, conversation)
    if (refusal) return refusal
    const extras: DraftExtras = {
      ...(replyTo !== undefined && { replyTo }),
      ...(await mentions.namedBy(senderId, text, conversation)),
      ...(forwarded && { forwarded }),
      ...(conversation.disappearAfterMs !== null && { lifetimeMs: conversation.disappearAfterMs }),
    }
    return Object.keys(extras).length > 0 ? extras : undefined
  }

  /** Who may not see a message is told of it what is told of none (P6). */
  async function quoteRefusal(
    senderId: string,
    seq: number,
    { id, members }: Conversation,
  ): Promise<Fault | undefined> {
    const fromSeq = members.get(senderId)?.fromSeq ?? Number.POSITIVE_INFINITY
    const [quoted] = seq >= fromSeq ? await log.readMessages(id, seq, seq) : []
    if (!quoted) return new Fault('not_found', 'There is no such message to answer')
    return quoted.deleted ? new Fault('action.forbidden', 'The message to answer was deleted') : undefined
  }

  return {
    of(senderId, message, conversation) {
      const { text, replyTo, forwarded } = message
      const stays = conversation.disappearAfterMs === null
      if (stays && replyTo === undefined && forwarded === undefined && !text.includes('@')) return undefined
      return decide(senderId, message, conversation)
    },
  }
}

/** What the hash of a message is made of. A plain one has the hash that it always had, so that what was sent before is known again (P2); whom it names is decided anew. */
export function contentOf({ text, replyTo, forwarded }: Carrying): [kind: string, content: string] {
  if (replyTo === undefined && forwarded === undefined) return ['message', text]
  return ['message.carrying', JSON.stringify([text, replyTo ?? null, forwarded === true])]
}
