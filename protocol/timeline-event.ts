import type { ChangeEntry } from './conversation.ts'

/** The kinds of changes that people see as a line among the messages, behind message `headSeq`. They have no `seq`: nobody has to read them. */
const SHOWN = {
  created: true,
  'members.added': true,
  'members.removed': true,
  'members.role': true,
  renamed: true,
  described: true,
  'timer.changed': true,
  'message.pinned': true,
} as const satisfies Partial<Record<ChangeEntry['kind'], true>>

export type TimelineEvent = Extract<ChangeEntry, { kind: keyof typeof SHOWN }>

/** Is that entry shown among the messages? That a direct conversation was opened is not: it is when somebody writes in it. */
export function isTimelineEvent<E extends { kind: string }>(
  entry: E,
): entry is Extract<E, { kind: TimelineEvent['kind'] }> {
  if (!Object.hasOwn(SHOWN, entry.kind)) return false
  return (
    entry.kind !== 'created' ||
    (entry as Partial<Extract<TimelineEvent, { kind: 'created' }>>).conversationKind === 'group'
  )
}

/** Whom an event names; who caused it first, each once. */
export function namedInEvent(event: TimelineEvent): string[] {
  const others =
    event.kind === 'created'
      ? event.members.map(({ userId }) => userId)
      : event.kind === 'members.added' || event.kind === 'members.removed'
        ? event.userIds
        : event.kind === 'members.role'
          ? [event.userId]
          : []
  return [...new Set([event.senderId, ...others])]
}
