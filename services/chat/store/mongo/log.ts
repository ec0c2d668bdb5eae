import type { Log } from '@parley/kit/log'
import type { Entry, MessageEntry } from '@parley/protocol/conversation'
import { LIMITS } from '@parley/protocol/limits'
import { changesMessage, mentionsOf } from '@parley/protocol/message-change'
import { isTimelineEvent } from '@parley/protocol/timeline-event'
import type { LogStore } from '../store.ts'
import type { Amend } from './amendments.ts'
import type { Collections } from './collections.ts'
import { answered, BOUNDED, READ } from './connection.ts'
import type { Head } from './conversations.ts'
import { entryOf, nameIn, PRESENT, readRange, withTexts } from './entries.ts'
import { eraseIn } from './erasure.ts'
import { gate } from './gate.ts'
import type { Heads } from './heads.ts'
import { openOutbox } from './outbox.ts'
import type { Raise } from './raise.ts'
import { roundOf } from './round.ts'
import { openRounds } from './rounds.ts'

/** Conversations whose inboxes are raised side by side by one call of `relayed`. */
const RELAYED_AT_ONCE = 8

/** The conversation log. `close` refuses what waits and lets the commits under way end. */
export function openLog(parts: {
  collections: Collections
  heads: Heads
  raise: Raise
  queue: number
  logger: Log | undefined
  amend: Amend
  /** Hears of every entry that this process has committed, or relayed for another. */
  committed(entries: readonly Entry[]): void
}): LogStore & { close(): Promise<void> } {
  const { collections, heads, raise, amend } = parts
  const { log } = collections
  const outbox = openOutbox(log)
  const eraseExpired = eraseIn(log, amend)
  const rounds = openRounds(roundOf({ log, heads, committed, show, amend, logger: parts.logger }), parts.queue)
  const inTurn = gate(RELAYED_AT_ONCE)

  /** What has disappeared and was not erased yet: of one minute at most. What was deleted before is not among it. */
  async function expiredIn(conversationId: string): Promise<{ seq: number; senderId: string }[]> {
    const filter = { conversationId, lasting: conversationId, disappears: { $gte: new Date(0), $lte: new Date() } }
    const projection = { _id: 0, seq: 1, senderId: 1, deleted: 1 } as const
    const found = await log.find(filter, { ...READ, projection }).toArray()
    return found.flatMap(({ seq = 0, senderId, deleted }) => (deleted ? [] : [{ seq, senderId }]))
  }

  /** Whether anything is there that is still to disappear. */
  async function mayDisappear(conversationId: string): Promise<boolean> {
    const later = { $gt: new Date(), $lte: new Date(8.64e15) }
    const filter = { conversationId, lasting: conversationId, disappears: later }
    return (await log.findOne(filter, { ...BOUNDED, projection: { _id: 0, seq: 1 } })) !== null
  }

  function committed(entries: readonly Entry[]): void {
    outbox.committed(entries)
    parts.committed(entries)
  }

  /** Everything that these entries touch shows them; a repeat, or one that comes late, does no harm. */
  async function show(entries: readonly Entry[], head: Head): Promise<void> {
    if (entries.some(changesMessage)) await amend(head.conversation.id)
    if (head.savedRev < head.changeRev) await heads.save(head)
    const { members } = head.conversation
    const removed = entries.flatMap((entry) => (entry.kind === 'members.removed' ? entry.userIds : []))
    const gone = removed.filter((userId) => !members.has(userId))
    await raise(head.conversation, [...members.keys()], gone)
  }

  async function showAll(conversationId: string, entries: readonly Entry[]): Promise<void> {
    const last = Math.max(...entries.map((entry) => entry.rev))
    const head = await heads.knownWhen(conversationId, (known) => known.conversation.rev >= last)
    if (!head) throw new Error(`entry ${last} of ${conversationId} is in no log`)
    await show(entries, head)
  }

  async function eachConversation(
    entries: readonly Entry[],
    work: (conversationId: string, those: readonly Entry[]) => Promise<void>,
  ): Promise<void> {
    const byConversation = Map.groupBy(entries, (entry) => entry.conversationId)
    await answered(Promise.all([...byConversation].map(([id, those]) => inTurn(() => work(id, those)))))
  }

  return {
    append: (draft) => answered(rounds.append(draft)),

    async findEntry(conversationId, id) {
      const found = await answered(log.findOne({ conversationId, id }, BOUNDED))
      if (!found) return undefined
      const entry = entryOf(found)
      const [first] = entry.kind === 'message' && !entry.deleted ? (found.versions ?? []) : []
      return { entry, contentHash: found.contentHash, ...(first && { named: mentionsOf(first) }) }
    },

    findConversation: async (conversationId) => (await answered(heads.load(conversationId)))?.conversation,

    async cachedConversation(conversationId, membersRev = 0) {
      const asNew = (head: Head) => head.conversation.membersRev >= membersRev
      return (await answered(heads.knownWhen(conversationId, asNew)))?.conversation
    },

    async readMessages(conversationId, fromSeq, toSeq) {
      const found = await answered(
        amend(conversationId).then(() => readRange(log, 'seq', conversationId, fromSeq, toSeq)),
      )
      return found.map(entryOf).filter((entry): entry is MessageEntry => entry.kind === 'message')
    },

    async pickMessages(conversationId, seqs) {
      const asked = [...new Set(seqs)].sort((a, b) => a - b).slice(0, LIMITS.pageMax)
      if (asked.length === 0) return []
      await answered(amend(conversationId))
      const filter = { conversationId, seq: { $in: asked } }
      const found = await answered(log.find(filter, { ...READ, projection: PRESENT }).toArray())
      return found
        .map(entryOf)
        .filter((entry): entry is MessageEntry => entry.kind === 'message')
        .sort((a, b) => a.seq - b.seq)
    },

    async readMentions(conversationId, userId, fromSeq, toSeq, limit) {
      if (toSeq < fromSeq || limit <= 0) return []
      await answered(amend(conversationId))
      const options = { ...READ, projection: { _id: 0, seq: 1, senderId: 1 }, sort: { namedSeq: 1 }, limit } as const
      const there = {
        namedSeq: { $gte: fromSeq, $lte: toSeq },
        expiresAt: { $not: { $lte: new Date().toISOString() } },
      }
      const found = await answered(
        Promise.all(
          [nameIn(conversationId, userId), nameIn(conversationId)].map((named) =>
            log.find({ conversationId, named, ...there }, options).toArray(),
          ),
        ),
      )
      return found
        .flat()
        .map(({ seq = 0, senderId }) => ({ seq, senderId }))
        .sort((a, b) => a.seq - b.seq)
        .slice(0, limit)
    },

    async readEvents(conversationId, fromSeq, toSeq, limit) {
      if (toSeq < fromSeq || limit <= 0) return []
      const filter = { conversationId, eventOf: conversationId, eventSeq: { $gte: fromSeq, $lte: toSeq } }
      const found = await answered(log.find(filter, { ...READ, sort: { eventSeq: -1, eventRev: -1 }, limit }).toArray())
      // From the latest backwards, so that it is those that are within the limit.
      return found.map(entryOf).filter(isTimelineEvent).reverse()
    },

    async readEntries(conversationId, fromRev, toRev) {
      const found = readRange(log, 'rev', conversationId, fromRev, toRev)
      return answered(found.then((documents) => withTexts(log, conversationId, documents)))
    },

    async readVersions(conversationId, seq) {
      await answered(amend(conversationId))
      const found = await answered(log.findOne({ conversationId, seq }, BOUNDED))
      const now = found && entryOf(found)
      if (now?.kind !== 'message' || now.deleted) return []
      const before = found?.versions?.map(({ text, createdAt }) => ({ text, createdAt: createdAt.toISOString() }))
      return [...(before ?? []), { text: now.text, createdAt: now.editedAt ?? now.createdAt }]
    },

    async countOthers(conversationId, userId, afterSeq, toSeq, max) {
      if (toSeq <= afterSeq || max <= 0) return { count: 0 }
      const range = { $gt: afterSeq, $lte: toSeq }
      const senderId = { $ne: userId }
      const sent = (limit: number) =>
        log.countDocuments({ conversationId, seq: range, senderId }, { ...BOUNDED, limit })
      const tombstones = { conversationId, tombstone: conversationId, tombstoneSeq: range, senderId }
      const deleted = amend(conversationId).then(() => log.countDocuments(tombstones, BOUNDED))
      // A deleted message keeps its place, so that both count it, whichever comes first.
      const [all, tombs, expired, lasts] = await answered(
        Promise.all([sent(max), deleted, expiredIn(conversationId), mayDisappear(conversationId)]),
      )
      const others = expired.filter((one) => one.seq > afterSeq && one.seq <= toSeq && one.senderId !== userId)
      const gone = tombs + others.length
      const count = gone === 0 || all < max ? all - gone : Math.min(max, (await answered(sent(max + gone))) - gone)
      if (!lasts || count <= 0) return { count }
      const projection = { _id: 0, disappears: 1, deleted: 1 } as const
      const options = { ...READ, projection, sort: { seq: 1 }, limit: max + gone } as const
      const counted = await answered(log.find({ conversationId, seq: range, senderId }, options).toArray())
      const moments = counted.flatMap(({ disappears, deleted }) =>
        disappears && !deleted && disappears.getTime() > Date.now() ? [disappears.getTime()] : [],
      )
      return { count, ...(moments.length > 0 && { until: new Date(Math.min(...moments)).toISOString() }) }
    },

    eraseExpired: (limit) => answered(eraseExpired(limit)),

    async pending(limit, watchedMs) {
      return answered(watchedMs === undefined ? outbox.own(limit) : outbox.left(limit, watchedMs))
    },

    raise: (entries) => eachConversation(entries, showAll),

    relayed: (entries) =>
      eachConversation(entries, async (conversationId, those) => {
        await showAll(conversationId, those)
        await outbox.relayed(conversationId, those)
        parts.committed(those)
      }),

    onCommit: outbox.onCommit,
    close: rounds.close,
  }
}
