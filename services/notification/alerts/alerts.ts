import { randomUUID } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { AlertNews } from '@parley/protocol/alert'
import type { ContactPair } from '@parley/protocol/contact'
import type { ChangeEntry } from '@parley/protocol/conversation'
import type { UserDirectory } from '@parley/protocol/internal'
import { LIMITS } from '@parley/protocol/limits'
import type { ChatDirectory, StandingAsk, StandingMember, StandingMessage } from '@parley/protocol/standing'
import { securityEvent } from '../security-event.ts'
import type { Alert, AlertChange, AlertStore, AlertSubject } from '../store/alerts.ts'
import { addedBy, ofContact, ofGroup, ofMessage, ofReactions, ofSecurity } from './causes.ts'
import { itemsOf } from './items.ts'

/**
 * Hears of what one may want to look at, keeps it, and tells one's devices. An event is taken when all of that is done; taken again it
 * changes nothing, and is told again: a process may have died in between.
 */
export type Alerts = AsyncDisposable

/** Members that are asked for, and alerts that are written, at once. */
const AT_ONCE = 100

export async function openAlerts(deps: {
  store: AlertStore
  chat: ChatDirectory
  users: Pick<UserDirectory, 'find'>
  /** These are there now. Resolves when they are counted. */
  alerted: (alerts: readonly Alert[]) => Promise<void>
  bus: Pick<Bus, 'subscribe' | 'publish'>
  now?: () => number
}): Promise<Alerts> {
  const { store, chat, users, alerted, bus, now = Date.now } = deps

  async function put(alerts: readonly Alert[]): Promise<void> {
    for (let at = 0; at < alerts.length; at += AT_ONCE) {
      crashPoint('alerts.before-store')
      const changes = await staying(await store.put(alerts.slice(at, at + AT_ONCE)))
      crashPoint('alerts.after-store')
      await alerted(changes.flatMap(({ items }) => items.filter(({ gone }) => !gone)))
      await tell(changes)
      crashPoint('alerts.after-told')
    }
  }

  /**
   * Those of users who are there. Of the others nothing is kept: what is told late may come after all of theirs was forgotten. Asked once it
   * is written, so that who is deleted after this is forgotten after it, too.
   */
  async function staying(changes: readonly AlertChange[]): Promise<AlertChange[]> {
    const there = new Set((await users.find(changes.map(({ userId }) => userId))).map(({ id }) => id))
    const gone = changes.filter(({ userId }) => !there.has(userId))
    for (const { userId } of gone) await store.forget(userId)
    return changes.filter(({ userId }) => there.has(userId))
  }

  async function tell(changes: readonly (AlertChange & { gone?: string[] })[]): Promise<void> {
    const shown = await itemsOf(
      changes.flatMap(({ items }) => items.filter((alert) => !alert.gone)),
      users,
    )
    await Promise.all(
      changes.map(({ userId, rev, unread, items, gone = [] }) => {
        const own = items.flatMap(({ id }) => shown.get(id) ?? [])
        const none = [...gone, ...items.flatMap((alert) => (alert.gone ? [alert.id] : []))]
        return bus.publish(
          newsFor(userId, {
            ...{ rev, unread },
            ...(own.length > 0 && { items: own }),
            ...(none.length > 0 && { gone: none }),
          }),
        )
      }),
    )
  }

  /** Told also where nothing was there: whoever did this before may have died before it was told. Then devices read again. */
  async function remove(userId: string, about: AlertSubject): Promise<void> {
    const change = await store.remove(userId, about)
    crashPoint('alerts.after-store')
    await tell([change])
  }

  /** Puts in what is about a conversation, and takes it back for who left since it was looked at: they may have been taken out before that. */
  async function putIn(conversationId: string, alerts: readonly Alert[]): Promise<void> {
    if (alerts.length === 0) return
    await put(alerts)
    const userIds = [...new Set(alerts.map(({ userId }) => userId))]
    const members = await membersOf({ conversationId, fromSeq: 1, toSeq: 0 }, userIds)
    const fromSeqs = new Map(members.map(({ userId, fromSeq }) => [userId, fromSeq]))
    for (const { userId, rev, seq, gone } of alerts) {
      const fromSeq = fromSeqs.get(userId)
      const sees = fromSeq !== undefined && (seq === undefined || seq >= fromSeq)
      if (!sees && !gone)
        await remove(userId, { conversationId, ...(seq === undefined ? { upTo: { rev, seq: 0 } } : { seq }) })
    }
  }

  /** How these stand to it now; of `undefined` all that there are. */
  async function membersOf(ask: StandingAsk, userIds: readonly string[] | undefined): Promise<StandingMember[]> {
    if (!userIds) return (await chat.standing(ask))?.members ?? []
    const members: StandingMember[] = []
    for (let at = 0; at < userIds.length; at += AT_ONCE) {
      const standing = await chat.standing({ ...ask, userIds: userIds.slice(at, at + AT_ONCE) })
      members.push(...(standing?.members ?? []))
    }
    return members
  }

  /** These messages, ascending by `seq`, name somebody or answer somebody, or did when they were sent. */
  async function addressed(conversationId: string, seqs: readonly number[]): Promise<void> {
    for (let at = 0; at < seqs.length; ) {
      const fromSeq = seqs[at]!
      const page = seqs.slice(at).filter((seq) => seq < fromSeq + LIMITS.pageMax)
      at += page.length
      const ask = { conversationId, fromSeq, toSeq: page.at(-1)! }
      const those = (await chat.standing({ ...ask, userIds: [] }))?.messages ?? []
      const messages = those.filter(({ seq }) => page.includes(seq))
      const named = messages.flatMap(({ mentions = [], answers }) => [...mentions, ...(answers ? [answers] : [])])
      const everybody = messages.some(({ mentionsAll }) => mentionsAll)
      const members = await membersOf(ask, everybody ? undefined : [...new Set(named)])
      await putIn(
        conversationId,
        members.flatMap((member) => messages.flatMap((one) => ofMessage(conversationId, one, member, now()) ?? [])),
      )
    }
  }

  async function reacted(entry: Extract<ChangeEntry, { kind: 'message.reacted' }>): Promise<void> {
    const { conversationId, seq } = entry
    const ask = { conversationId, fromSeq: seq, toSeq: seq, reactions: true }
    const { senderId } = (await messageAt(conversationId, seq)) ?? {}
    const standing = senderId === undefined ? undefined : await chat.standing({ ...ask, userIds: [senderId] })
    const [message, author] = [standing?.messages[0], standing?.members[0]]
    const alert = message && author && ofReactions(entry, message, author, now())
    if (!alert) return
    await putIn(conversationId, [alert])
    await deleted(conversationId, seq)
  }

  const messageAt = async (conversationId: string, seq: number): Promise<StandingMessage | undefined> =>
    (await chat.standing({ conversationId, fromSeq: seq, toSeq: seq, userIds: [] }))?.messages[0]

  /** Of a message that is gone, reactions are told to nobody. */
  async function deleted(conversationId: string, seq: number): Promise<void> {
    const message = await messageAt(conversationId, seq)
    if (message?.gone) await remove(message.senderId, { conversationId, seq })
  }

  async function changed(entry: ChangeEntry): Promise<void> {
    const { conversationId } = entry
    const added = addedBy(entry)
    if (added.length > 0) {
      const members = await membersOf({ conversationId, fromSeq: 1, toSeq: 0 }, added)
      const alerts = members.map(({ userId }) => ofGroup(entry, userId))
      return putIn(conversationId, alerts)
    }
    if (entry.kind === 'message.reacted') return reacted(entry)
    if (entry.kind === 'message.deleted') return deleted(conversationId, entry.seq)
    const upTo = { rev: entry.rev, seq: entry.headSeq }
    if (entry.kind === 'members.removed')
      for (const userId of entry.userIds) await remove(userId, { conversationId, upTo })
    if (entry.kind === 'message.edited' && (entry.mentions || entry.mentionsAll))
      await addressed(conversationId, [entry.seq])
  }

  async function met(pair: ContactPair, rev: number, at: string): Promise<void> {
    const { low, high } = pair
    await put(ofContact(pair, rev, at))
    const upTo = { rev }
    if (low.blocks) await remove(low.userId, { actorId: high.userId, upTo })
    if (high.blocks) await remove(high.userId, { actorId: low.userId, upTo })
  }

  return bus.subscribe('notification.alerts', (event) => {
    switch (event.type) {
      case 'messages.addressed':
        return addressed(event.data.conversationId, event.data.seqs)
      case 'conversation.changed':
        return changed(event.data)
      case 'contact.changed':
        return met(event.data, event.rev, event.occurredAt)
      case 'security.noted':
        return put([ofSecurity(event.id, securityEvent(event.data))])
      default:
        return event satisfies never
    }
  })
}

/** What the bus is told for the devices of a user. */
export const newsFor = (userId: string, news: AlertNews) => ({
  id: randomUUID(),
  type: 'alerts.changed' as const,
  version: 1 as const,
  occurredAt: new Date().toISOString(),
  key: userId,
  rev: news.rev,
  data: news,
})
