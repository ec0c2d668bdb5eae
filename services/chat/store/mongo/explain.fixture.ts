import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Db, type Document, MongoClient } from 'mongodb'
import { mongoStore } from '../mongo.ts'
import type { ReadPlan } from '../store.contract.ts'

/** A command as the driver sent it. */
export interface CommandSent {
  name: string
  command: Document
}

/**
 * The plan of every read that the store has been seen to make, with those added that only a reader makes, and with the
 * search for what each update changes. Small collections are filled first: PostgreSQL goes through few rows without an index.
 */
export async function explainReads(address: string, sent: readonly CommandSent[]): Promise<ReadPlan[]> {
  await using client = new MongoClient(address)
  const db = client.db()
  await fill(db)
  const all = [...sent, ...(await readEverything(address, db))]
  const shapes = new Map(all.flatMap(readsOf).map((read) => [shapeOf(read), read]))
  const plans: ReadPlan[] = []
  for (const [read, command] of shapes) plans.push({ read, ...(await explain(db, command)) })
  return plans
}

/** Every read of the interface, once. */
async function readEverything(address: string, db: Db): Promise<CommandSent[]> {
  const sent: CommandSent[] = []
  await using store = await mongoStore(address, { onCommand: (name, command) => sent.push({ name, command }) })
  const row = await db.collection('inbox').findOne({ gone: false, membersRev: { $gt: 0 } })
  const [id, userId] = [String(row?.conversationId), String(row?.userId)]
  const [first] = await store.log.readEntries(id, 1, 1)
  assert.ok(first)
  await store.log.findEntry(id, first.id)
  await store.log.cachedConversation(id)
  await store.log.readMessages(id, 1, 50)
  await store.log.pickMessages(id, [1, 5])
  await store.log.readMentions(id, userId, 1, 20, 1_000)
  await store.log.readEvents(id, 0, 20, 100)
  await store.log.countOthers(id, userId, 0, 20, 1_000)
  await store.log.pending(100, 0)
  await store.log.relayed(await store.log.pending(10, 0))
  await store.marks.read(id)
  await store.marks.read(id, [userId])
  await store.marks.raise({ conversationId: id, userId, readSeq: 1 })
  const stay = { conversationId: id, userId, fromRev: 1 }
  await store.settings.change(stay, { draft: 'begun' }, 1)
  await store.settings.change(stay, { pinned: 1 }, 1)
  await store.settings.read(userId, [stay])
  await store.settings.pinned(userId, 10)
  await store.log.eraseExpired(10)
  await store.own.change(stay, { seqs: [1, 2], starred: true })
  await store.own.page(userId, id, 1, 0, 10)
  await store.own.among(userId, id, 1, 10)
  await store.own.revs(userId, [id])
  await store.own.starred(userId, 10)
  await store.own.countStarred(userId, 10)
  await store.own.unstar(userId, [{ conversationId: id, seq: 1 }])
  await store.inbox.page(userId, 0, 10)
  await store.inbox.conversationIds(userId, 10)
  await store.inbox.heads([userId])
  await store.presence.read([userId])
  await store.presence.disconnect({ nodeId: 'node-1', socketId: 'gone', userId })
  await store.people.find([userId])
  await store.departures.begin({ userId: randomUUID(), messages: 'keep', at: new Date().toISOString() })
  await store.departures.open(10)
  await store.departures.conversations(userId, undefined, 10)
  await store.departures.advance(userId, id)
  await store.departures.forget(randomUUID(), 10)
  await store.departures.finish(userId)
  const search = { userId, limit: 10, budgetMs: 10_000 }
  for (const terms of [[], ['message'], ['me', 'ess']]) {
    await store.search.find({ ...search, terms })
    await store.search.find({ ...search, terms, senderIds: [userId], within: { ids: [id], titles: ['x'] } })
  }
  await using silent = await mongoStore(address, {
    leaseMs: 1,
    onCommand: (name, command) => sent.push({ name, command }),
  })
  await silent.presence.expire()
  return sent
}

async function fill(db: Db): Promise<void> {
  const ids = Array.from({ length: 4_000 }, () => randomUUID())
  const other = { conversationId: 'another', membersRev: 0, gone: false }
  await db.collection('inbox').insertMany(ids.map((userId, stamp) => ({ ...other, userId, stamp })))
  await db.collection('marks').insertMany(ids.map((id) => ({ conversationId: id, userId: id, deliveredSeq: 1 })))
  await db
    .collection('settings')
    .insertMany(ids.map((id, n) => ({ conversationId: id, userId: id, fromRev: 1, rev: 1, pinned: n })))
  const [first, last] = [new Date(0), new Date(1)]
  await db
    .collection<{ _id: string }>('search')
    .insertMany(
      ids.map((id, block) => ({ _id: id, conversationId: id, block, rev: 1, first, last, grams: [`${block}`, 'abc'] })),
    )
  const about = ids.map((id, n) => ({ userId: id, conversationId: id, rev: n + 1 }))
  await db.collection('own').insertMany(about.map((one, n) => ({ ...one, seq: n + 1, starred: n, hidden: false })))
  await db.collection('ownHeads').insertMany(about.map((one) => ({ ...one, notes: [] })))
  for (const name of ['searched', 'inboxHeads', 'people', 'presence', 'conversations']) {
    const leases = [{ node: 'another', socket: '1' }]
    await db.collection<{ _id: string }>(name).insertMany(ids.map((_id) => ({ _id, stamp: 1, recent: [], leases })))
  }
}

/** The `find` or `aggregate` in a command; of an update, the search for its document. */
function readsOf({ name, command }: CommandSent): Document[] {
  const search = (collection: string, filter: Document) => ({ find: collection, filter })
  switch (name) {
    case 'find': {
      const { find, filter, sort, limit, projection } = command
      return [
        {
          find,
          filter,
          ...(sort && { sort: Object.fromEntries(sort) }),
          ...(limit && { limit }),
          ...(projection && { projection }),
        },
      ]
    }
    case 'aggregate':
      return [{ aggregate: command.aggregate, pipeline: command.pipeline, cursor: {} }]
    case 'update':
      return command.updates.map((update: Document) => search(command.update, update.q))
    case 'findAndModify':
      return [search(command.findAndModify, command.query)]
    default:
      return []
  }
}

/** What stays of a read when the values are taken out. */
function shapeOf(read: Document): string {
  const keys = (value: unknown): unknown =>
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) !== Date.prototype
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keys(inner)]))
      : '?'
  return JSON.stringify(
    'find' in read
      ? { find: read.find, filter: keys(read.filter), sort: read.sort }
      : { aggregate: read.aggregate, pipeline: read.pipeline.map(keys) },
  )
}

async function explain(db: Db, command: Document): Promise<Omit<ReadPlan, 'read'>> {
  const answer = await db.command({ explain: command, verbosity: 'queryPlanner' })
  const planner = answer.queryPlanner ?? answer.stages?.[0]?.$cursor?.queryPlanner
  if (!planner.postgres) return mongoPlan(planner.winningPlan)
  const indexes = await db
    .collection(command.find ?? command.aggregate)
    .listIndexes()
    .toArray()
  return postgresPlan(JSON.parse(planner.postgres)[0].Plan, indexes, command)
}

function mongoPlan(winning: Document): Omit<ReadPlan, 'read'> {
  const stages = nodes(winning, (node) => [
    node.inputStage,
    ...(node.inputStages ?? []),
    node.queryPlan,
    ...(node.shards ?? []).map((s: Document) => s.winningPlan),
  ])
  return {
    indexed: stages.every(({ stage }) => stage !== 'COLLSCAN'),
    sorts: stages.some(({ stage }) => stage === 'SORT'),
    plan: JSON.stringify(winning),
  }
}

/**
 * DocumentDB puts a sort above every scan, also where the index has the rows in order and MongoDB would not sort. So a sort
 * counts unless the index that is used has first what the filter fixes and then what the sort asks for.
 */
function postgresPlan(top: Document, indexes: readonly Document[], command: Document): Omit<ReadPlan, 'read'> {
  const all = nodes(top, (node) => node.Plans ?? [])
  const scans = all.filter(
    (node) => / Scan$/.test(node['Node Type']) && !/^(Custom|Bitmap Heap) Scan$/.test(node['Node Type']),
  )
  const used = indexes.filter(({ name }) => scans.some((scan) => scan['Index Name'] === name))
  return {
    indexed:
      scans.length > 0 &&
      scans.every((scan) => narrows(String(scan['Index Cond'] ?? ''))) &&
      used.every((index) => coversRanges(index.key, command)),
    sorts: all.some((node) => /Sort/.test(node['Node Type'])) && !used.some((index) => hasInOrder(index.key, command)),
    plan: JSON.stringify(top, null, 1),
  }
}

/** Every collection's rows share one `shard_key_value`: a condition on that alone goes through all of them. */
function narrows(condition: string): boolean {
  return condition.replace(/\(?shard_key_value = '\d+'::bigint\)?/, '').length > 2
}

/** A range is taken from the index, and not looked for among all that share the fields before it. */
function coversRanges(key: Document, command: Document): boolean {
  const filter: Document = command.filter ?? command.pipeline[0].$match
  const ranges = Object.keys(filter).filter((field) =>
    Object.keys(filter[field]).some((word) => /^.[gl]te?$/.test(word)),
  )
  return '_id' in key || ranges.every((field) => field in key)
}

function hasInOrder(key: Document, { filter = {}, sort = {} }: Document): boolean {
  const fields = Object.keys(key)
  while (fields.length > 0 && isFixed(filter[fields[0]!])) fields.shift()
  return Object.keys(sort).every((field, n) => fields[n] === field)
}

const isFixed = (condition: unknown): boolean =>
  condition !== undefined && (typeof condition !== 'object' || condition === null)

function nodes(top: Document, below: (node: Document) => (Document | undefined)[]): Document[] {
  return [top, ...below(top).flatMap((node) => (node ? nodes(node, below) : []))]
}
