import type { AlertKind } from '@parley/protocol/alert'
import type { Event, Final, LoggedEntry } from '../history.ts'
import { play } from './play.ts'
import { type Of, of } from './senders.ts'

/** What an alert may be made of, for one user, as everything stands at the end. */
export interface Promised {
  /** It must be there; else it may. */
  isDue: boolean
  kinds: AlertKind[]
  /** When it happened, where that is known. */
  at?: string | undefined
  /** An alert of any other time is not of this cause. */
  exactly?: string | undefined
  /** Who did it. */
  actors?: ReadonlySet<string>
  /** Those of them who were kept apart from the user at some time, and may have been left out. */
  apart?: ReadonlySet<string>
}

type Conversation = Final['conversations'][number]
type Causes = Iterable<[about: string, promised: Promised]>

/** Everything that each user is to be alerted to, or may be, by what it is about. What happens to accounts is not among it. */
export function promises(events: readonly Event[], final: Final): (userId: string) => Map<string, Promised> {
  const said = textsOf(events)
  const blocks = of(events, 'block')
  return (userId) => promisedTo(userId, blocksOf(userId, blocks), said, final)
}

function promisedTo(userId: string, wasApart: (other: string) => boolean, said: Said, final: Final) {
  return new Map<string, Promised>([
    ...final.conversations.flatMap((conversation) => [
      ...ofMessages(userId, conversation, final, said, wasApart),
      ...ofReactions(userId, conversation, wasApart),
      ...ofGroup(userId, conversation, wasApart),
    ]),
    ...ofContacts(userId, final, wasApart),
  ])
}

/** With whom there was a block between them and the user, at some time. */
function blocksOf(userId: string, blocks: readonly Of<'block'>[]): (other: string) => boolean {
  const others = new Set(
    blocks.flatMap(({ on, userId: by, otherId }) =>
      !on ? [] : by === userId ? [otherId] : otherId === userId ? [by] : [],
    ),
  )
  return (other) => others.has(other)
}

/** What was said as a message at some time, and what it answers. */
type Said = ReadonlyMap<string, { texts: string[]; replyTo: number | undefined }>

function textsOf(events: readonly Event[]): Said {
  const said = new Map(of(events, 'send').map(({ id, text, replyTo }) => [id, { texts: [text], replyTo }]))
  for (const { messageId, action } of of(events, 'change'))
    if (action.kind === 'edit') said.get(messageId)?.texts.push(action.text)
  return said
}

/** Messages that name the user, or everybody, or answer what the user said. */
function* ofMessages(
  userId: string,
  { id, messages, members, log }: Conversation,
  { people }: Final,
  said: Said,
  wasApart: (other: string) => boolean,
): Causes {
  const member = members.find((each) => each.userId === userId)
  const username = people.find((person) => person.userId === userId)?.username
  if (!member || username === undefined) return
  const times = new Map(log.flatMap((entry) => (entry.kind === 'message' ? [[entry.headSeq, entry.createdAt]] : [])))
  const authors = new Map(messages.map((message) => [message.seq, message.senderId]))
  const name = new RegExp(`@${username}\\b`)
  const names = (text: string): boolean => name.test(text)
  for (const message of messages) {
    const { seq, senderId, text, deleted, mentionsAll } = message
    if (senderId === userId || seq < member.fromSeq) continue
    const { texts = [text], replyTo } = said.get(message.id) ?? {}
    const answers = replyTo !== undefined && authors.get(replyTo) === userId
    const kinds: AlertKind[] = [
      ...(texts.some(names) ? (['mention'] as const) : []),
      ...(answers ? (['reply'] as const) : []),
      ...(texts.some((each) => each.includes('@all')) ? (['mention.all'] as const) : []),
    ]
    if (kinds.length === 0) continue
    // Of what was deleted, and of versions that named others, it may have been made before that.
    const isDue = !deleted && !wasApart(senderId) && (names(text) || answers || mentionsAll === true)
    yield [`message ${id}#${seq}`, { isDue, kinds, at: times.get(seq), actors: new Set([senderId]) }]
  }
}

/** The user's own messages that others have reacted to. */
function* ofReactions(
  userId: string,
  { id, messages, members }: Conversation,
  wasApart: (other: string) => boolean,
): Causes {
  const fromSeq = members.find((each) => each.userId === userId)?.fromSeq ?? Number.POSITIVE_INFINITY
  for (const { seq, senderId, deleted, reactions = [] } of messages) {
    if (senderId !== userId || seq < fromSeq || deleted) continue
    const actors = new Set(reactions.flatMap(({ userIds }) => userIds).filter((actor) => actor !== userId))
    if (actors.size === 0) continue
    const apart = new Set([...actors].filter(wasApart))
    const isDue = apart.size < actors.size
    yield [`reactions to ${id}#${seq}`, { isDue, kinds: ['reaction'], actors, apart }]
  }
}

/** A group into which another has brought the user, by the present stay. */
function* ofGroup(userId: string, { id, kind, log }: Conversation, wasApart: (other: string) => boolean): Causes {
  if (kind !== 'group') return
  let joined: LoggedEntry | undefined
  const members = play(log, (entry, before) => {
    if (entry.userIds?.includes(userId) && entry.kind !== 'members.removed' && !before.has(userId)) joined = entry
  })
  if (!joined || !members.has(userId) || joined.senderId === userId) return
  const { senderId, createdAt: at } = joined
  const isDue = !wasApart(senderId)
  yield [`group ${id}`, { isDue, kinds: ['group.added'], at, exactly: at, actors: new Set([senderId]) }]
}

/** Who asks the user for friendship, or has accepted. Of two friends one has accepted, also where both asked at once: the other is told. */
function* ofContacts(userId: string, { contacts, alerts }: Final, wasApart: (other: string) => boolean): Causes {
  for (const { userId: one, otherId, status } of contacts) {
    if (one !== userId || status === 'outgoing') continue
    const about = `contact ${otherId}`
    const actors = new Set([otherId])
    if (status === 'incoming') {
      yield [about, { isDue: !wasApart(otherId), kinds: ['contact.requested'], actors }]
      continue
    }
    const theirs = alerts.find((list) => list.userId === otherId)?.items ?? []
    const toldThem = theirs.some(({ kind, actors: [actor] }) => kind === 'contact.accepted' && actor === userId)
    yield [about, { isDue: !toldThem && !wasApart(otherId), kinds: ['contact.accepted'], actors }]
  }
}
