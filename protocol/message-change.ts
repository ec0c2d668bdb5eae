import type { ChangeEntry, MessageEntry, Reaction } from './conversation.ts'

/** An entry that changes a message: it takes a `rev` and no `seq` of its own; `seq` names the message. */
export type MessageChange = Extract<ChangeEntry, { kind: 'message.edited' | 'message.deleted' | 'message.reacted' }>

/** Does that entry, or draft of one, change a message? */
export function changesMessage<E extends { kind: string }>(
  entry: E,
): entry is Extract<E, { kind: MessageChange['kind'] }> {
  return entry.kind === 'message.edited' || entry.kind === 'message.deleted' || entry.kind === 'message.reacted'
}

/** Is that entry, or draft of one, about a message that was sent before? Who may not see the message is told only that its `rev` is taken. */
export function namesMessage<E extends { kind: string }>(
  entry: E,
): entry is Extract<E, { kind: MessageChange['kind'] | 'message.pinned' }> {
  return changesMessage(entry) || entry.kind === 'message.pinned'
}

/**
 * What an entry of the log makes of the message that it names. Pure; every store, device and check folds with it, in the
 * order of `rev`. A message read from the store is as it is now, so an older entry may come to a device after it: what
 * `changedRev` covers already is passed over, and so each change counts once however it is read. Nothing changes a deleted
 * message any more. An edit that comes without its text was followed by another edit, or by the deletion.
 */
export function changed<M extends MessageEntry>(message: M, change: MessageChange): M {
  if (change.rev <= (message.changedRev ?? 0)) return message
  const next = { ...message, changedRev: change.rev }
  if (message.deleted) return next
  switch (change.kind) {
    case 'message.edited': {
      const edited = { ...next, editedAt: change.createdAt, edits: (message.edits ?? 0) + 1 }
      if (change.text === undefined) return edited
      const { mentions: _, mentionsAll: _all, ...rest } = edited
      return { ...rest, ...mentionsOf(change), text: change.text } as M
    }
    case 'message.deleted':
      return erased(next)
    case 'message.reacted': {
      const { reactions: before = [], ...rest } = next
      const reactions = reacted(before, change.emoji, change.senderId, change.on)
      return (reactions.length > 0 ? { ...rest, reactions } : rest) as M
    }
    default:
      return change satisfies never
  }
}

/** Whom a message, or an edit of one, names; nothing where it names nobody. */
export function mentionsOf({ mentions, mentionsAll }: Pick<MessageEntry, 'mentions' | 'mentionsAll'>) {
  return { ...(mentions && { mentions }), ...(mentionsAll && { mentionsAll }) }
}

/**
 * The message as it is at that time, in milliseconds since 1970: from `expiresAt` on it reads as one that was deleted. No entry of the
 * log says so, since everybody can tell by the time alone.
 */
export function asOf<M extends MessageEntry>(message: M, now: number): M {
  if (message.expiresAt === undefined || message.deleted || Date.parse(message.expiresAt) > now) return message
  return erased(message)
}

/** An edit as it is told when its text is not to be read any more. */
export function withoutText(edit: Extract<ChangeEntry, { kind: 'message.edited' }>): typeof edit {
  const { text: _, mentions: _mentions, mentionsAll: _all, ...rest } = edit
  return rest
}

/** What is left of a message of which nothing is to be read any more. */
export function erased<M extends MessageEntry>(message: M): M {
  const { editedAt: _, edits: _edits, reactions: _reactions, ...rest } = withoutExtras(message)
  return { ...rest, text: '', deleted: true } as M
}

/** What is left of a deleted message says nothing of what it was; only when it disappears stays. */
function withoutExtras<M extends MessageEntry>(
  message: M,
): Omit<M, 'replyTo' | 'mentions' | 'mentionsAll' | 'forwarded'> {
  const { replyTo: _, mentions: _mentions, mentionsAll: _all, forwarded: _forwarded, ...rest } = message
  return rest
}

/** The reactions with that person's one set or taken back; an emoji that nobody is left with goes. */
function reacted(before: readonly Reaction[], emoji: string, userId: string, on: boolean): Reaction[] {
  const known = before.some((reaction) => reaction.emoji === emoji)
  if (on && !known) return [...before, { emoji, userIds: [userId] }]
  return before
    .map((reaction) => {
      if (reaction.emoji !== emoji) return reaction
      const others = reaction.userIds.filter((id) => id !== userId)
      if (!on) return { emoji, userIds: others }
      return others.length < reaction.userIds.length ? reaction : { emoji, userIds: [...others, userId] }
    })
    .filter((reaction) => reaction.userIds.length > 0)
}
