import type { Anomaly, Event, Final, History, SeenMessage } from '../history.ts'
import { type Addresses, addressesOf } from './addresses.ts'
import { windowsOf } from './membership.ts'
import { mostCopies, type Of, of, unheardAround } from './senders.ts'

/**
 * I16, of pushes: of each message it is decided for each member, and true why nobody is told; what is told has arrived on each browser and
 * app that the member had, says what the message said, to nobody but who may read it, and comes twice only where a sender died, froze or
 * had no answer, and then as the same and in the same place (I20). What is gone is pushed to no more. All of it after whatever was away,
 * push services among it, is back (I18).
 */
export function pushChecks({ events, final }: Pick<History, 'events' | 'final'>): Anomaly[] {
  const addresses = addressesOf(events)
  const known = truthOf(events, final, addresses)
  return [
    ...untold(events, final, addresses, known),
    ...untrue(final, known),
    ...unsaid(events, final, known, addresses),
    ...beside(events),
    ...doubled(events),
    ...triedAgain(events),
  ]
}

type Told = Final['told'][number]

/** What reasons are held against. */
function truthOf(events: readonly Event[], { conversations }: Final, addresses: Addresses) {
  const messages = new Map(
    conversations.flatMap(({ id, messages }) => messages.map((message) => [`${id}#${message.seq}`, message])),
  )
  const read = new Map(
    conversations.flatMap(({ id, marks }) => marks.map(({ userId, readSeq }) => [`${userId} ${id}`, readSeq])),
  )
  const blocked = new Set(
    of(events, 'block').flatMap(({ on, userId, otherId }) =>
      on ? [`${userId} ${otherId}`, `${otherId} ${userId}`] : [],
    ),
  )
  const removed = new Set(
    of(events, 'membership').flatMap(({ what, targetId, conversationId }) =>
      what === 'remove' ? [`${targetId} ${conversationId}`] : [],
    ),
  )
  const sent = new Map(of(events, 'send').map(({ id, at }) => [id, at]))
  const message = (conversationId: string, seq: number): SeenMessage | undefined =>
    messages.get(`${conversationId}#${seq}`)
  /** When it was sent, which is before anybody could be told of it. */
  const sentAt = ({ conversationId, seq }: Told): number => sent.get(message(conversationId, seq)?.id ?? '') ?? 0
  return {
    sentAt,
    noDevice: (told: Told) => addresses.mayHaveHadNone(told.userId, sentAt(told)),
    message,
    read: ({ userId, conversationId, seq }: Told) => (read.get(`${userId} ${conversationId}`) ?? 0) >= seq,
    apart: (one: string, other: string) => blocked.has(`${one} ${other}`),
    removed: ({ userId, conversationId }: Told) => removed.has(`${userId} ${conversationId}`),
  }
}

type Truth = ReturnType<typeof truthOf>

const broken = (anomaly: string, detail: string): Anomaly => ({ invariant: 'I16', anomaly, detail })

function untold(events: readonly Event[], final: Final, addresses: Addresses, { sentAt }: Truth): Anomaly[] {
  const pushes = Map.groupBy(of(events, 'pushed'), ({ address, conversationId }) => `${address} ${conversationId}`)
  const toldOf = Map.groupBy(
    final.told.filter(({ outcome }) => outcome === 'push'),
    ({ userId, conversationId }) => `${userId} ${conversationId}`,
  )
  return final.told.flatMap((one) => {
    const { userId, conversationId, seq, outcome, pushes: items } = one
    const what = `${userId} of ${conversationId}#${seq}`
    if (outcome === 'waiting') return [broken('undecided', what)]
    if (outcome === 'none') return []
    if (items.length === 0) return [broken('unplanned', what)]
    const told = toldOf.get(`${userId} ${conversationId}`) ?? []
    const arrived = (address: string): boolean =>
      pushes.get(`${address} ${conversationId}`)?.some((push) => tells(push, one, told)) ?? false
    const former = addresses.former(userId)
    const isGone = ({ device }: Item): boolean =>
      device === '' ? former.length > 0 : former.includes(addresses.named(userId, device) ?? '')
    const unsent = items.filter(
      (item) =>
        item.state === 'waiting' ||
        (item.state === 'failed' && item.text !== GONE) ||
        (item.text === GONE && !isGone(item)),
    )
    const named = new Set(items.map(({ device }) => device))
    const leftOut = addresses.present(userId).filter(({ name, since }) => since < sentAt(one) && !named.has(name))
    // One that was dropped was read, or deleted, or overtaken meanwhile.
    const sent = items.filter(({ state }) => state === 'sent')
    const lost = sent.filter(({ device }) => device !== '' && !arrived(addresses.named(userId, device) ?? ''))
    // Of what is gone, or another's, nobody knows the name any more.
    const nameless = sent.filter(({ device }) => device === '').length
    const reached = former.filter(arrived).length
    return [
      ...unsent.map(({ device, state, text }) => broken('push-not-sent', `${what} to ${device}: ${state}, ${text}`)),
      ...leftOut.map(({ name }) => broken('device-left-out', `${what}: nothing to ${name}`)),
      ...lost.map(({ device }) => broken('lost-push', `${what} to ${device}`)),
      ...(nameless > reached ? [broken('lost-push', `${what} to ${nameless} that are gone, of ${reached}`)] : []),
    ]
  })
}

type Item = Told['pushes'][number]

/** Said of what could not be sent since there is nobody any more: true only where the address was that user's, and is gone or another's since. */
const GONE = 'The device is not registered any more.'

/** What a push names first, where it tells of several. */
const WEIGHTS = ['mention', 'reply', 'mention.all', 'message']

/** Whether a push has told of that message: it names a later one, or one of more weight, and counts all up to this. */
function tells(push: Of<'pushed'>, { seq, code }: Pick<Told, 'seq' | 'code'>, told: readonly Told[]): boolean {
  if (push.seq >= seq) return true
  const named = told.find((one) => one.seq === push.seq)
  const between = told.filter((one) => push.seq < one.seq && one.seq <= seq)
  const isWeightier =
    named !== undefined && between.every((one) => WEIGHTS.indexOf(named.code) < WEIGHTS.indexOf(one.code))
  return isWeightier && WEIGHTS.includes(code) && between.length < push.count
}

/** Whether a reason is true, as far as what was seen can tell. Nobody here gives cause for any other. */
const TRUE: Record<string, (told: Told, truth: Truth) => boolean> = {
  'own.message': ({ userId, conversationId, seq }, { message }) => message(conversationId, seq)?.senderId === userId,
  'message.gone': ({ conversationId, seq }, { message }) => message(conversationId, seq)?.deleted === true,
  read: (told, { read }) => read(told),
  blocked: ({ userId, conversationId, seq }, { message, apart }) =>
    apart(userId, message(conversationId, seq)?.senderId ?? ''),
  'not.member': (told, { removed }) => removed(told),
  'before.joining': (told, { removed }) => removed(told),
  // A device is in use until it says otherwise, so each is for a moment after it connects.
  'active.device': () => true,
  'no.device': (told, { noDevice }) => noDevice(told),
}

function untrue({ told }: Final, truth: Truth): Anomaly[] {
  return told
    .filter((one) => one.outcome === 'none' && !TRUE[one.code]?.(one, truth))
    .map(({ userId, conversationId, seq, code }) =>
      broken('untrue-reason', `${userId} was not told of ${conversationId}#${seq}: ${code}`),
    )
}

/** A push tells of somebody else's message, by what it said at some time, where it is of somebody who may read that. */
function unsaid(events: readonly Event[], final: Final, truth: Truth, addresses: Addresses): Anomaly[] {
  const windows = new Map(final.conversations.map(({ id, log }) => [id, windowsOf(log)]))
  const mayRead = (userId: string, conversationId: string, seq: number): boolean =>
    windows
      .get(conversationId)
      ?.get(userId)
      ?.some(({ from, to }) => from <= seq && seq <= to) ?? false
  const texts = new Map<string, Set<string>>()
  for (const { id, text } of of(events, 'send')) texts.set(id, new Set([text]))
  for (const { messageId, action } of of(events, 'change'))
    if (action.kind === 'edit') texts.get(messageId)?.add(action.text)
  return of(events, 'pushed').flatMap(({ address, conversationId, seq, text, at }) => {
    const message = truth.message(conversationId, seq)
    const owners = addresses.ownersAt(address, at)
    const what = `${address.slice(0, 8)} of ${owners.join(' or ')} was pushed ${conversationId}#${seq}`
    if (!message) return [broken('phantom-push', what)]
    const readers = owners.filter((userId) => mayRead(userId, conversationId, seq))
    if (readers.length === 0) return [broken('foreign-push', what)]
    if (readers.every((userId) => userId === message.senderId)) return [broken('own-push', what)]
    return texts.get(message.id)?.has(text) ? [] : [broken('unsaid-push', `${what}, saying ${text}`)]
  })
}

/** Where it is shown, what tells of one conversation takes the place of what told of that before, and of nothing else. */
function beside(events: readonly Event[]): Anomaly[] {
  const pushes = of(events, 'pushed')
  const places = Map.groupBy(pushes, ({ address, conversationId }) => `${address} ${conversationId}`)
  const shared = Map.groupBy(pushes, ({ address, place }) => `${address} ${place}`)
  return [
    ...[...places].flatMap(([what, own]) =>
      new Set(own.map(({ place }) => place)).size > 1 ? [broken('push-beside-another', what)] : [],
    ),
    ...[...shared].flatMap(([what, own]) =>
      new Set(own.map(({ conversationId }) => conversationId)).size > 1
        ? [broken('push-in-the-place-of-another', what)]
        : [],
    ),
  ]
}

function doubled(events: readonly Event[]): Anomaly[] {
  const copies = Map.groupBy(of(events, 'pushed'), (push) => `${push.address} ${push.conversationId}#${push.seq}`)
  const most = { push: mostCopies(events, ['push']), fcm: mostCopies(events, ['fcm']) }
  return [...copies].flatMap(([what, pushes]) => {
    const different = new Set(pushes.map(({ count }) => count)).size
    if (different > 1) return [broken('push-told-otherwise', `${what} came as ${different} different pushes`)]
    return pushes.length > most[pushes[0]!.by](pushes)
      ? [broken('doubled-push', `${what} came ${pushes.length} times`)]
      : []
  })
}

/** Around the answer: until it is kept, whoever heard it may still forget it. */
const BEFORE_MS = 1_000
const KEPT_MS = 5_000
/** Pushes that were under way together may each hear it. */
const HEARD_MS = 15_000

/** Who has heard that an address is gone writes there no more. */
function triedAgain(events: readonly Event[]): Anomaly[] {
  const unheard = { push: unheardAround(events, ['push']), fcm: unheardAround(events, ['fcm']) }
  return [...Map.groupBy(of(events, 'turned.away'), ({ address }) => address)].flatMap(([address, tries]) => {
    const known = tries.find(({ at, by, answered }) => answered && unheard[by](at - BEFORE_MS, at + KEPT_MS) === 0)
    const late = known && tries.find(({ at }) => at > known.at + HEARD_MS)
    if (!late) return []
    return [broken('gone-and-tried', `${address.slice(0, 8)}, ${Math.round(late.at - known.at)} ms after it was gone`)]
  })
}
