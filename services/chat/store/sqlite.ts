import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import { LIMITS, type Limits } from '@parley/protocol/limits'
import type { Conversation } from '../conversation.ts'
import { applyEntry } from '../conversation.ts'
import { conversationCache } from './sqlite/heads.ts'
import { Pending } from './sqlite/pending.ts'
import { openReader } from './sqlite/reader.ts'
import { openRounds } from './sqlite/rounds.ts'
import { openSearch } from './sqlite/search.ts'
import { runsOf } from './sqlite/watermark.ts'
import type { ChatStore } from './store.ts'

export interface SqliteOptions {
  limits?: Limits
  /** Hears why a commit failed. */
  log?: Log
  /** Milliseconds after which a node without a heartbeat is dead. */
  leaseMs?: number
  /** False: no index is made, and nothing is found. To measure what it costs. */
  search?: boolean
  /** Positions of the log in a segment of the search index: a multiple of eight. */
  searchSegment?: number
}

/**
 * The embedded store: one SQLite file, all of its writes in one thread of its own, reads on the calling thread. Rejects
 * with an `Error` for the operator when the file cannot be used. One process at a time, which whoever opens it sees to.
 */
export async function sqliteStore(path: string, options: SqliteOptions = {}): Promise<ChatStore> {
  const { limits = LIMITS, leaseMs = 15_000, log } = options
  const conversations = conversationCache<Conversation>((conversation) => conversation)
  const listeners = new Set<() => void>()
  let closing: Promise<void> | undefined
  await using opening = new AsyncDisposableStack()
  const rounds = opening.use(
    await openRounds({
      path,
      leaseMs,
      limits,
      log,
      onEntry(entry, position, expires) {
        const known = conversations.get(entry.conversationId)
        // One that was read since may hold the entry already.
        if (known?.rev === entry.rev - 1) conversations.set(known.id, applyEntry(known, entry))
        else if (known && known.rev < entry.rev) conversations.delete(known.id)
        pending.add(entry, position, expires)
      },
      onRound() {
        for (const handle of listeners) handle()
      },
    }),
  )
  const reader = openReader(path, limits)
  opening.defer(reader.close)
  const pending = new Pending(reader)
  const search = opening.use(openSearch(path, { log, on: options.search ?? true, segment: options.searchSegment }))
  const opened = opening.move()

  return {
    epoch: rounds.epoch,
    get healthy() {
      return rounds.healthy
    },
    get reads() {
      return reader.reads
    },

    log: {
      append: (draft) => rounds.append(draft),
      findEntry: async (conversationId, id) => reader.entry(conversationId, id),
      findConversation: async (id) => conversation(id),
      cachedConversation: (id, membersRev) => conversation(id, membersRev),
      readMessages: async (...range) => reader.messages(...range),
      pickMessages: async (...places) => reader.pickMessages(...places),
      readMentions: async (...range) => reader.mentions(...range),
      readEvents: async (...range) => reader.events(...range),
      readEntries: async (...range) => reader.entries(...range),
      readVersions: async (...message) => reader.versions(...message),
      eraseExpired: async (limit) => Number(await rounds.command({ do: 'sweep', limit }, true)),
      countOthers: async (...range) => reader.countOthers(...range),
      // All entries are this process's own, so there is nothing to watch and take over.
      pending: async (limit, watchedMs) => (watchedMs === undefined ? pending.first(limit) : []),
      async raise(entries) {
        await rounds.command({ do: 'raise', conversationIds: conversationsOf(entries) }, true)
      },
      async relayed(entries) {
        const positions = pending.positions(entries)
        await rounds.command(
          { do: 'relayed', runs: runsOf(positions), conversationIds: conversationsOf(entries) },
          true,
        )
        pending.remove(positions)
      },
      onCommit(handle) {
        listeners.add(handle)
        return { [Symbol.dispose]: () => void listeners.delete(handle) }
      },
    },

    marks: {
      raise: (mark) => rounds.raise(mark),
      async read(conversationId, userIds) {
        if (userIds) return reader.marksOf(conversationId, userIds)
        const members = conversation(conversationId)?.members
        return reader.marks(conversationId).filter(({ userId }) => members?.has(userId))
      },
    },

    settings: {
      async change(stay, change, headSeq) {
        const { userId, conversationId, fromRev } = stay
        const changed = await rounds.command({ do: 'settings', userId, stay, change, headSeq }, true)
        if (conversation(conversationId)?.members.get(userId)?.fromRev !== fromRev) return undefined
        return { settings: reader.settings(userId, [stay])[0]!, changed: changed === true }
      },
      read: async (userId, stays) => reader.settings(userId, stays),
      ofMembers: async (...which) => reader.settingsOfMembers(...which),
      pinned: async (userId, limit) => reader.pinned(userId, limit),
    },

    own: {
      async change(stay, change) {
        const done = await rounds.command({ do: 'own', userId: stay.userId, stay, change }, true)
        return typeof done === 'object' && 'items' in done ? done : undefined
      },
      page: async (...place) => reader.ownPage(...place),
      among: async (...range) => reader.ownAmong(...range),
      revs: async (...which) => reader.ownRevs(...which),
      starred: async (userId, limit, before) => reader.starred(userId, limit, before),
      countStarred: async (...which) => reader.countStarred(...which),
      async unstar(userId, messages) {
        await rounds.command({ do: 'unstar', userId, messages }, true)
      },
    },

    inbox: {
      async page(userId, after, limit) {
        const { rows, head } = reader.inbox(userId, after, limit)
        const upTo = rows.at(-1)?.stamp ?? Math.min(after, head.stamp)
        if (upTo > head.synced) await rounds.command({ do: 'synced', userId, upTo }, true)
        return { rows, head: head.stamp }
      },
      conversationIds: async (userId, limit) => reader.inboxIds(userId, limit),
      heads: async (userIds) => reader.inboxHeads(userIds),
    },

    presence: {
      connect: async (lease) => ({ first: (await rounds.command({ do: 'connect', ...lease })) === true }),
      disconnect: async (lease) => ({ last: (await rounds.command({ do: 'disconnect', ...lease })) === true }),
      async heartbeat(nodeId) {
        await rounds.command({ do: 'heartbeat', nodeId }, true)
      },
      async expire() {
        const gone = await rounds.command({ do: 'expire' }, true)
        return Array.isArray(gone) ? gone : []
      },
      read: async (userIds) => reader.presence(userIds, Date.now() - leaseMs),
      active: async (userIds) => reader.active(userIds, Date.now() - leaseMs),
    },

    people: {
      async put(person) {
        await rounds.command({ do: 'person', ...person })
      },
      find: async (ids) => reader.people(ids),
    },

    departures: {
      async begin({ userId, messages, at }) {
        await rounds.command({ do: 'departure', step: 'begin', userId, messages, at })
      },
      open: async (limit) => reader.departures(limit),
      conversations: async (userId, after, limit) => reader.conversationsOf(userId, after, limit),
      async advance(userId, after) {
        await rounds.command({ do: 'departure', step: 'advance', userId, after })
      },
      async forget(userId, limit) {
        return (await rounds.command({ do: 'departure', step: 'forget', userId, limit })) as number
      },
      async finish(userId) {
        await rounds.command({ do: 'departure', step: 'finish', userId })
      },
    },

    search,

    async [Symbol.asyncDispose]() {
      closing ??= opened.disposeAsync()
      await closing
    },
  }

  /** From memory, which every commit of this process (the only one) keeps up to date; else from the file. */
  function conversation(id: string, membersRev = 0): Conversation | undefined {
    const known = conversations.get(id)
    if (known && known.membersRev >= membersRev) return known
    const found = reader.conversation(id)
    if (found) conversations.set(id, found)
    conversations.trim()
    return found
  }
}

function conversationsOf(entries: readonly Entry[]): string[] {
  return [...new Set(entries.map((entry) => entry.conversationId))]
}
