import type { Anomaly, Event, Final, History, SeenMessage } from '../history.ts'
import { mostCopies, type Of, of } from './senders.ts'

/**
 * I16, of pushes: of each message it is decided for each member, and true why nobody is told; what is told has arrived, says what the
 * message said, and comes twice only where a sender died, froze or had no answer, and then as the same (I20). All of it after whatever
 * was away is back (I18).
 */
export function pushChecks({ events, final }: History): Anomaly[] {
  const known = truthOf(events, final)
  return [...untold(events, final), ...untrue(final, known), ...unsaid(events, known), ...doubled(events)]
}

type Told = Final['told'][number]

/** What reasons are held against. */
function truthOf(events: readonly Event[], { conversations }: Final) {
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
  return {
    message: (conversationId: string, seq: number): SeenMessage | undefined => messages.get(`${conversationId}#${seq}`),
    read: ({ userId, conversationId, seq }: Told) => (read.get(`${userId} ${conversationId}`) ?? 0) >= seq,
    apart: (one: string, other: string) => blocked.has(`${one} ${other}`),
    removed: ({ userId, conversationId }: Told) => removed.has(`${userId} ${conversationId}`),
  }
}

type Truth = ReturnType<typeof truthOf>

const broken = (anomaly: string, detail: string): Anomaly => ({ invariant: 'I16', anomaly, detail })

function untold(events: readonly Event[], final: Final): Anomaly[] {
  const pushes = Map.groupBy(of(events, 'pushed'), ({ userId, conversationId }) => `${userId} ${conversationId}`)
  const told = Map.groupBy(
    final.told.filter(({ outcome }) => outcome === 'push'),
    ({ userId, conversationId }) => `${userId} ${conversationId}`,
  )
  return final.told.flatMap(({ userId, conversationId, seq, code, outcome, pushes: states }) => {
    const what = `${userId} of ${conversationId}#${seq}`
    if (outcome === 'waiting') return [broken('undecided', what)]
    if (outcome === 'none') return []
    if (states.length === 0) return [broken('unplanned', what)]
    if (states.some((state) => state === 'waiting' || state === 'failed'))
      return [broken('push-not-sent', `${what}: ${states.join()}`)]
    // One that was dropped was read, or deleted, or overtaken meanwhile.
    const place = `${userId} ${conversationId}`
    const arrived = pushes.get(place)?.some((push) => tells(push, { seq, code }, told.get(place) ?? []))
    return states.includes('sent') && !arrived ? [broken('lost-push', what)] : []
  })
}

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
}

function untrue({ told }: Final, truth: Truth): Anomaly[] {
  return told
    .filter((one) => one.outcome === 'none' && !TRUE[one.code]?.(one, truth))
    .map(({ userId, conversationId, seq, code }) =>
      broken('untrue-reason', `${userId} was not told of ${conversationId}#${seq}: ${code}`),
    )
}

/** A push tells of somebody else's message, by what it said at some time. */
function unsaid(events: readonly Event[], truth: Truth): Anomaly[] {
  const texts = new Map<string, Set<string>>()
  for (const { id, text } of of(events, 'send')) texts.set(id, new Set([text]))
  for (const { messageId, action } of of(events, 'change'))
    if (action.kind === 'edit') texts.get(messageId)?.add(action.text)
  return of(events, 'pushed').flatMap(({ userId, conversationId, seq, text }) => {
    const message = truth.message(conversationId, seq)
    const what = `${userId} was pushed ${conversationId}#${seq}`
    if (!message) return [broken('phantom-push', what)]
    if (message.senderId === userId) return [broken('own-push', what)]
    return texts.get(message.id)?.has(text) ? [] : [broken('unsaid-push', `${what}, saying ${text}`)]
  })
}

function doubled(events: readonly Event[]): Anomaly[] {
  const copies = Map.groupBy(of(events, 'pushed'), (push) => `${push.userId} ${push.conversationId}#${push.seq}`)
  const most = mostCopies(events)
  return [...copies].flatMap(([what, pushes]) => {
    const different = new Set(pushes.map(({ count }) => count)).size
    if (different > 1) return [broken('push-told-otherwise', `${what} came as ${different} different pushes`)]
    return pushes.length > most(pushes) ? [broken('doubled-push', `${what} came ${pushes.length} times`)] : []
  })
}
