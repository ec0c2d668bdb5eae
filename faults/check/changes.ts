import type { Reaction } from '@parley/protocol/conversation'
import type { Anomaly, Event, Final, History, LoggedEntry, SeenMessage } from '../history.ts'
import { play } from './play.ts'

type Conversation = Final['conversations'][number]
type Change = Extract<Event, { type: 'change' }>
type State = Pick<SeenMessage, 'text' | 'deleted' | 'edits' | 'reactions'>

/**
 * I24: an acknowledged edit, deletion or reaction is in the log, put there by who may and as they asked; the last of the
 * log wins and a deletion beats all; every device shows that; and of what was deleted nothing is left to read.
 */
export function changeChecks({ events, final }: History): Anomaly[] {
  const asked = new Map<string, Change>()
  const texts = new Map<string, string>()
  for (const event of events) {
    if (event.type === 'change') asked.set(`${event.conversationId}/${event.id}`, event)
    if (event.type === 'send') texts.set(`${event.conversationId}/${event.id}`, event.text)
  }
  return [
    ...lost(events, asked, final),
    ...final.conversations.flatMap((conversation) => [
      ...unasked(conversation, asked),
      ...folded(conversation, asked, texts),
      ...leftovers(conversation),
      ...shownOtherwise(conversation, final),
    ]),
    ...readAfterwards(events, asked),
  ]
}

const broken = (anomaly: string, detail: string): Anomaly => ({ invariant: 'I24', anomaly, detail })

function lost(events: Event[], asked: Map<string, Change>, final: Final): Anomaly[] {
  const logged = new Set(final.conversations.flatMap(({ id, log }) => log.map((entry) => `${id}/${entry.change?.id}`)))
  return events.flatMap((event) => {
    const name = event.type === 'changed' ? `${event.conversationId}/${event.id}` : undefined
    if (name === undefined || logged.has(name)) return []
    return broken('lost-change', `${asked.get(name)?.action.kind} ${name} was acknowledged and is not in the log`)
  })
}

/** What is in the log was asked for just so, once, and by who may: the author edits, the author or who leads the group deletes. */
function unasked({ id, messages, log }: Conversation, asked: Map<string, Change>): Anomaly[] {
  const anomalies: Anomaly[] = []
  const seen = new Set<string>()
  const bySeq = new Map(messages.map((message) => [message.seq, message]))
  play(log, ({ rev, kind, senderId, change }, members) => {
    if (!change) return
    const what = `entry ${rev} of ${id} (${kind} of ${change.seq} by ${senderId})`
    const wish = asked.get(`${id}/${change.id}`)
    const message = bySeq.get(change.seq)
    if (seen.has(change.id)) anomalies.push(broken('duplicate', `${what} was applied before`))
    seen.add(change.id)
    if (!wish || wish.userId !== senderId || wish.messageId !== message?.id || !says({ kind, change }, wish))
      anomalies.push(broken('phantom-change', `${what} is not what anybody asked for`))
    const theirs = message?.senderId === senderId
    const leads = ['owner', 'admin'].includes(members.get(senderId)?.role ?? '')
    if ((kind === 'message.edited' && !theirs) || (kind === 'message.deleted' && !theirs && !leads))
      anomalies.push(broken('not-theirs', `${what}, but ${message?.senderId} wrote it`))
  })
  return anomalies
}

function says(
  { kind, change }: { kind: string; change: NonNullable<LoggedEntry['change']> },
  { action }: Change,
): boolean {
  if (action.kind === 'edit')
    return kind === 'message.edited' && (change.text === undefined || change.text === action.text)
  if (action.kind === 'delete') return kind === 'message.deleted'
  return kind === 'message.reacted' && change.emoji === action.emoji && change.on === action.on
}

/** Each message is what its own changes make of it, in the order of the log. */
function folded(
  { id, messages, log }: Conversation,
  asked: Map<string, Change>,
  texts: Map<string, string>,
): Anomaly[] {
  const bySeq = Map.groupBy(log, ({ change }) => change?.seq)
  return messages.flatMap((message) => {
    const sent = texts.get(`${id}/${message.id}`)
    const changes = bySeq.get(message.seq) ?? []
    if (sent === undefined || (changes.length === 0 && !message.deleted)) return []
    const expected = state(sent, changes, (name) => {
      const action = asked.get(`${id}/${name}`)?.action
      return action?.kind === 'edit' ? action.text : undefined
    })
    return same(expected, message)
      ? []
      : broken(
          'wrong-state',
          `${id}/${message.seq} is ${JSON.stringify(facts(message))}, its log makes it ${JSON.stringify(facts(expected))}`,
        )
  })
}

function state(sent: string, changes: LoggedEntry[], textOf: (id: string) => string | undefined): State {
  if (changes.some(({ kind }) => kind === 'message.deleted')) return { text: '', deleted: true }
  const edits = changes.filter(({ kind }) => kind === 'message.edited')
  const last = edits.at(-1)?.change
  const reactions = new Map<string, Set<string>>()
  for (const { senderId, change } of changes) {
    if (change?.emoji === undefined) continue
    const userIds = reactions.get(change.emoji) ?? new Set()
    if (change.on) reactions.set(change.emoji, userIds.add(senderId))
    else if (userIds.delete(senderId) && userIds.size === 0) reactions.delete(change.emoji)
  }
  return {
    text: last ? (textOf(last.id) ?? last.text ?? '') : sent,
    edits: edits.length,
    reactions: [...reactions].map(([emoji, userIds]): Reaction => ({ emoji, userIds: [...userIds] })),
  }
}

/** A deleted text is nowhere in the log. */
const leftovers = ({ id, messages, log }: Conversation): Anomaly[] => {
  const deleted = new Set(messages.filter((message) => message.deleted).map(({ seq }) => seq))
  return log.flatMap(({ rev, change }) =>
    change?.text !== undefined && deleted.has(change.seq)
      ? broken('deleted-text', `entry ${rev} of ${id} still tells a text of ${change.seq}, which was deleted`)
      : [],
  )
}

/** What settled devices show of each message, in the conversation and in the list, is what the server has. */
function shownOtherwise({ id, messages }: Conversation, final: Final): Anomaly[] {
  const stored = new Map(messages.map((message) => [message.seq, message]))
  return final.devices.flatMap(({ device, conversations }) => {
    const held = conversations.find((conversation) => conversation.id === id)
    if (!held) return []
    const rows = held.messages.flatMap((row) => {
      const message = stored.get(row.seq)
      if (!message || same(row, message)) return []
      const anomaly = message.deleted && !row.deleted ? 'missing-tombstone' : 'diverged'
      return broken(
        anomaly,
        `${device} shows ${id}/${row.seq} as ${JSON.stringify(facts(row))}, the store as ${JSON.stringify(facts(message))}`,
      )
    })
    const { last } = held
    if (!last || stored.get(last.seq)?.text === last.text) return rows
    return [...rows, broken('diverged', `${device} lists ${id}/${last.seq} as «${last.text}»`)]
  })
}

/** A page that was asked for after a deletion had been acknowledged no longer has the text. */
function readAfterwards(events: Event[], asked: Map<string, Change>): Anomaly[] {
  const deleted = new Map<string, number>()
  return events.flatMap((event) => {
    if (event.type === 'changed') {
      const change = asked.get(`${event.conversationId}/${event.id}`)
      const name = `${event.conversationId}/${change?.messageId}`
      if (change?.action.kind === 'delete' && !deleted.has(name)) deleted.set(name, event.at)
    }
    if (event.type !== 'page') return []
    return event.messages
      .filter(({ id, text, deleted: gone }) => {
        const since = deleted.get(`${event.conversationId}/${id}`) ?? Number.POSITIVE_INFINITY
        return since < event.startedAt && (!gone || text !== '')
      })
      .map(({ seq }) =>
        broken('deleted-text', `a page shows ${event.conversationId}/${seq}, whose deletion had been acknowledged`),
      )
  })
}

const same = (one: State, other: State): boolean => JSON.stringify(facts(one)) === JSON.stringify(facts(other))

const facts = ({ text, deleted, edits, reactions }: State): object => ({
  text,
  deleted: deleted ?? false,
  edits: edits ?? 0,
  reactions: (reactions ?? []).map(({ emoji, userIds }) => [emoji, ...userIds]),
})
