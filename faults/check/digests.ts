import type { Anomaly, Event, Final, History } from '../history.ts'
import { faultsAround, LEASE_MS, mostCopies, type Of, of } from './senders.ts'

/** From one such mail to the next, in the runs of this harness. */
export const DIGEST_EVERY_MS = 10_000

/**
 * I16, of mail about what is unread: a mail that was said to be sent has arrived, copies come only where a sender died, froze or had no
 * answer, and are one mail; there is one in an interval, with nothing that was read, deleted or replaced before it was written, to nobody
 * who wants none, and nothing goes to an address where nobody is. What waits is told, or its reason is.
 */
export function digestChecks({ events, final }: Pick<History, 'events' | 'final'>): Anomaly[] {
  const mails = Map.groupBy(of(events, 'digested'), ({ to }) => to)
  const told = toldIn(events, final)
  return [
    ...copied(events),
    ...tooSoon(mails),
    ...[...mails].flatMap(([to, own]) => {
      const person = final.people.find(({ email }) => email === to)
      if (!person?.digests) return [broken('unwanted-digest', `${own[0]!.id} to ${to}`)]
      return own.flatMap((mail) => mail.texts.flatMap((text) => told(person.userId, mail, text)))
    }),
    ...bounced(events),
    ...unsent(events, final),
  ]
}

type Digest = Of<'digested'>

const broken = (anomaly: string, detail: string): Anomaly => ({ invariant: 'I16', anomaly, detail })

function copied(events: readonly Event[]): Anomaly[] {
  const most = mostCopies(events, ['smtp'])
  const copies = Map.groupBy(
    of(events, 'digested').filter(({ refused }) => !refused),
    ({ id }) => id,
  )
  return [...copies].flatMap(([id, mails]) =>
    mails.length <= most(mails)
      ? []
      : [broken('doubled-digest', `${id} came ${mails.length} times to ${mails[0]!.to}`)],
  )
}

/** Mail tells times in seconds. */
const SECOND_MS = 1_000

function tooSoon(mails: ReadonlyMap<string, readonly Digest[]>): Anomaly[] {
  return [...mails].flatMap(([to, own]) => {
    const written = [...new Map(own.map(({ id, writtenAt }) => [id, writtenAt])).values()].sort((a, b) => a - b)
    return written.slice(1).flatMap((at, before) => {
      const apart = at - written[before]!
      if (apart >= DIGEST_EVERY_MS - SECOND_MS) return []
      return [broken('digest-too-soon', `${to} got two that were written ${apart} ms apart`)]
    })
  })
}

/** From when a mail is written until it has arrived it may be as long: a server is silent at first, a process stands still. */
const UNDER_WAY_MS = 25_000

/** What is wrong with a text in a mail to somebody. */
function toldIn(
  events: readonly Event[],
  { conversations }: Final,
): (userId: string, mail: Digest, text: string) => Anomaly[] {
  const places = new Map(
    conversations.flatMap((conversation) => conversation.messages.map((one) => [one.id, { conversation, ...one }])),
  )
  const acked = new Map(
    of(events, 'acked')
      .map(({ id, at }) => [id, at])
      .reverse() as [string, number][],
  )
  const done = new Map(of(events, 'changed').map(({ id, at }) => [id, at]))
  const versions = new Map(of(events, 'send').map((send) => [nameOf(send.text), { ...send, messageId: send.id }]))
  const changes = Map.groupBy(of(events, 'change'), ({ messageId }) => messageId)
  for (const change of of(events, 'change'))
    if (change.action.kind === 'edit')
      versions.set(nameOf(change.action.text), { ...change, type: 'send', text: change.action.text, online: true })
  const reads = Map.groupBy(of(events, 'marks'), ({ userId, conversationId }) => `${userId} ${conversationId}`)

  return (userId, { id, at }, name) => {
    const version = versions.get(name)
    const place = version && places.get(version.messageId)
    const what = `${id} to ${userId} says «${name}»`
    if (!version || !place) return [broken('phantom-digest', what)]
    const { conversation, senderId, seq } = place
    if (senderId === userId) return [broken('own-digest', what)]
    if (conversation.kind === 'direct' && !conversation.members.some((member) => member.userId === userId))
      return [broken('foreign-digest', what)]
    const before = at - UNDER_WAY_MS
    const wasRead = reads.get(`${userId} ${conversation.id}`)?.some((mark) => mark.readSeq >= seq && mark.at < before)
    const saidAt = version.id === version.messageId ? acked.get(version.id) : done.get(version.id)
    // Deleted, or said otherwise by who began to only after this was said.
    const isOver = changes.get(version.messageId)?.find((change) => {
      const isDone = (done.get(change.id) ?? Number.POSITIVE_INFINITY) < before
      if (change.action.kind === 'delete') return isDone && place.deleted
      return change.action.kind === 'edit' && isDone && change.at > (saidAt ?? Number.POSITIVE_INFINITY)
    })
    return [
      ...(wasRead ? [broken('digest-of-what-was-read', what)] : []),
      ...(isOver
        ? [broken(`digest-of-what-was-${isOver.action.kind === 'delete' ? 'deleted' : 'replaced'}`, what)]
        : []),
    ]
  }
}

const nameOf = (text: string): string => /(?:says|edited) [0-9a-f-]+/.exec(text)?.[0] ?? text

/** The answer of a server is kept at once; letters that were under way together may each hear it. */
const HEARD_MS = 15_000

function bounced(events: readonly Event[]): Anomaly[] {
  const around = faultsAround(events, ['smtp'])
  return [...Map.groupBy(of(events, 'bounced'), ({ to }) => to)].flatMap(([to, tries]) => {
    const known = tries.find(({ at }) => around(at - SECOND_MS, at + LEASE_MS) === 0)
    const late = known && tries.find(({ at }) => at > known.at + HEARD_MS)
    return late
      ? [broken('suspended-and-tried', `${to}, ${Math.round(late.at - known.at)} ms after nobody was there`)]
      : []
  })
}

function unsent(events: readonly Event[], { told, people, mailAwaited }: Final): Anomaly[] {
  const mails = Map.groupBy(of(events, 'digested'), ({ to }) => to)
  const bounces = new Set(of(events, 'bounced').map(({ to }) => to))
  const byId = new Map(people.map((person) => [person.userId, person]))
  return told.flatMap(({ userId, conversationId, seq, outcome, mail }) => {
    const { email, digests } = byId.get(userId)!
    const what = `${userId} of ${conversationId}#${seq}`
    const own = mails.get(email) ?? []
    if (mail === 'sent' && !own.some(({ refused }) => !refused)) return [broken('lost-digest', what)]
    if (mail === 'failed' && !bounces.has(email) && !own.some(({ refused }) => refused))
      return [broken('digest-not-sent', what)]
    return outcome === 'push' && digests && mailAwaited && mail === undefined ? [broken('digest-forgotten', what)] : []
  })
}
