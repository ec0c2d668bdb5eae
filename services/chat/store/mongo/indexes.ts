import { setTimeout as after } from 'node:timers/promises'
import { type Db, type Document, type IndexDescription, MongoServerError } from 'mongodb'
import type { Collections } from './collections.ts'

/**
 * Every index, and by what each collection is sharded. Uniqueness in `log` is what makes an append a compare-and-set, so both
 * unique indexes begin with the shard key's field. The others are behind reads: see the plans in the tests.
 */
const INDEXES: Partial<Record<keyof Collections, (IndexDescription & { name: string })[]>> = {
  log: [
    { name: 'conversation_rev', key: { conversationId: 1, rev: 1 }, unique: true },
    { name: 'conversation_id', key: { conversationId: 1, id: 1 }, unique: true },
    // With the sender, so that others' messages are counted in the index alone.
    { name: 'conversation_seq', key: { conversationId: 1, seq: 1, senderId: 1 } },
    // Sparse: as large as what is pending, whatever the log's size.
    { name: 'outbox', key: { outbox: 1 }, sparse: true },
    // As large as what messages name: whom, and where.
    { name: 'named', key: { named: 1, namedSeq: 1 }, sparse: true },
    // As large as what timelines show beside messages. Not by `conversationId`, which every entry has.
    { name: 'event', key: { eventOf: 1, eventSeq: 1, eventRev: 1 }, sparse: true },
    // As large as what was deleted.
    { name: 'tombstones', key: { tombstone: 1, tombstoneSeq: 1 }, sparse: true },
    // As large as what is to disappear.
    { name: 'disappears', key: { disappears: 1 }, sparse: true },
    { name: 'lasting', key: { lasting: 1, disappears: 1 }, sparse: true },
    // As large as what is being carried out at this moment.
    { name: 'unapplied', key: { unapplied: 1 }, sparse: true },
  ],
  marks: [{ name: 'conversation_user', key: { conversationId: 1, userId: 1 }, unique: true }],
  settings: [
    { name: 'user_conversation', key: { userId: 1, conversationId: 1 }, unique: true },
    { name: 'user_pinned', key: { userId: 1, pinned: 1 } },
  ],
  own: [
    { name: 'user_message', key: { userId: 1, conversationId: 1, seq: 1 }, unique: true },
    { name: 'user_rev', key: { userId: 1, conversationId: 1, rev: 1, seq: 1 } },
    { name: 'user_starred', key: { userId: 1, starred: 1 } },
  ],
  ownHeads: [{ name: 'user_conversation', key: { userId: 1, conversationId: 1 }, unique: true }],
  inbox: [
    { name: 'user_conversation', key: { userId: 1, conversationId: 1 }, unique: true },
    { name: 'user_stamp', key: { userId: 1, stamp: 1 } },
  ],
  // As large as what is under way.
  departures: [{ name: 'open', key: { open: 1 }, sparse: true }],
  presence: [{ name: 'node', key: { 'leases.node': 1 } }],
  search: [
    { name: 'conversation_gram', key: { conversationId: 1, grams: 1, last: 1, first: 1 } },
    { name: 'conversation_time', key: { conversationId: 1, last: 1, first: 1 } },
  ],
}

const SHARD_KEYS: Partial<Record<keyof Collections, Document>> = {
  log: { conversationId: 'hashed' },
  conversations: { _id: 'hashed' },
  marks: { conversationId: 'hashed' },
  settings: { userId: 'hashed' },
  own: { userId: 'hashed' },
  ownHeads: { userId: 'hashed' },
  inboxHeads: { _id: 'hashed' },
  inbox: { userId: 'hashed' },
  presence: { _id: 'hashed' },
  people: { _id: 'hashed' },
  departures: { _id: 'hashed' },
  search: { conversationId: 'hashed' },
  searched: { _id: 'hashed' },
}

/** Makes what is missing. Throws an error that says so when a unique index is not there in the end: without it nothing is safe. */
export async function prepare(db: Db): Promise<void> {
  const hello = await db.admin().command({ hello: 1 })
  if (hello.msg === 'isdbgrid') await shardCollections(db)
  for (const [name, indexes] of Object.entries(INDEXES)) await buildIndexes(db, name, indexes)
}

/** Spreads the collections over the shards of a cluster. Repeatable. */
export async function shardCollections(db: Db): Promise<void> {
  for (const [name, key] of Object.entries(SHARD_KEYS)) {
    await db.admin().command({ shardCollection: `${db.databaseName}.${name}`, key })
  }
}

async function buildIndexes(db: Db, name: string, indexes: readonly (IndexDescription & { name: string })[]) {
  await create(db, name, indexes)
  const found = await db.collection(name).listIndexes().toArray()
  for (const { name: wanted, key, unique = false } of indexes) {
    const index = found.find((i) => i.name === wanted)
    const sound = index && sameKey(index.key, key) && Boolean(index.unique) === unique && !index.partialFilterExpression
    if (!sound) throw lacking(`${name} (${wanted})`)
  }
}

/** Two processes that start at once may get into each other's way, so it is tried again; what the data or the indexes are like is final. */
async function create(db: Db, name: string, indexes: readonly IndexDescription[]): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await db.collection(name).createIndexes([...indexes])
      return
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error
      if (tries === 5) throw lacking(name, error)
      await after(100 * tries * (0.5 + Math.random()))
    }
  }
}

function lacking(what: string, cause?: unknown): Error {
  return new Error(`The database cannot be used: ${what} lacks an index it must have, and it cannot be built`, {
    cause,
  })
}

function sameKey(a: Document, b: IndexDescription['key']): boolean {
  return JSON.stringify(Object.entries(a)) === JSON.stringify(Object.entries(b))
}
