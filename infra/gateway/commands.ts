import type { Document } from 'bson'
import { openCursors } from './cursors.ts'
import { type DocumentDB, fromHex, toHex } from './documentdb.ts'
import { failure, failureOf, isGone, withMongoErrors } from './errors.ts'

type Command = (db: string, doc: Document) => Promise<Document> | Document

/** Answers any command document; rejects only when PostgreSQL went away under it. */
export function answers(documentdb: DocumentDB): (doc: Document) => Promise<Document> {
  const commands = new Map(Object.entries(commandsOf(documentdb)))
  return async (doc) => {
    const name = Object.keys(doc)[0] ?? ''
    const db = String(doc.$db ?? 'test')
    const ns = `${db}.${doc[name]}`
    if (doc.startTransaction || doc.autocommit === false) return NO_TRANSACTIONS
    const command = commands.get(name)
    if (!command) return failure(59, 'CommandNotFound', `no such command: '${name}'`)
    try {
      return withMongoErrors(await command(db, withoutMeta(doc)), ns)
    } catch (error) {
      if (isGone(error)) throw error
      return failureOf(error, ns)
    }
  }
}

/** MongoDB's own words, by which drivers know that the server is no replica set. */
const NO_TRANSACTIONS = failure(
  20,
  'IllegalOperation',
  'Transaction numbers are only allowed on a replica set member or mongos',
)

function commandsOf(documentdb: DocumentDB): Record<string, Command> {
  const cursors = openCursors(documentdb)
  const inTurn = queues()

  const read =
    (sql: string): Command =>
    (db, doc) =>
      documentdb.call(sql, db, doc)
  const write = (name: string): Command => {
    const sql = `select p_result r from documentdb_api.${name}($1, $2)`
    return (db, doc) => inTurn(`${db}.${Object.values(doc)[0]}`, () => documentdb.call(sql, db, doc))
  }
  const query =
    (name: string): Command =>
    (db, doc) =>
      cursors.open(name, db, doc)
  const shard =
    (name: string): Command =>
    async (_db, doc) => {
      await documentdb.row(`select documentdb_api.${name}($1::documentdb_core.bson)`, doc)
      return { ok: 1 }
    }
  const findAndModify = write('find_and_modify')

  return {
    hello,
    isMaster: hello,
    ismaster: hello,
    ping: () => ({ ok: 1 }),
    endSessions: () => ({ ok: 1 }),
    buildInfo,
    buildinfo: buildInfo,

    insert: write('insert'),
    update: write('update'),
    delete: write('delete'),
    findAndModify,
    findandmodify: findAndModify,

    find: query('find'),
    aggregate: query('aggregate'),
    listCollections: query('list_collections'),
    listIndexes: query('list_indexes'),
    getMore: (db, doc) => cursors.more(db, doc),
    killCursors: (_db, doc) => cursors.kill(doc.cursors),
    count: read('select document r from documentdb_api.count_query($1, $2)'),
    distinct: read('select document r from documentdb_api.distinct_query($1, $2)'),

    async createIndexes(db, doc) {
      const sql = 'select documentdb_api_internal.create_indexes_non_concurrently($1, $2, true) r'
      const reply = await documentdb.call(sql, db, doc)
      return reply.raw?.defaultShard ?? reply
    },
    async dropIndexes(db, doc) {
      const { retval } = await documentdb.row('call documentdb_api.drop_indexes($1, $2)', db, doc)
      return fromHex(String(retval))
    },
    create: read('select documentdb_api.create_collection_view($1, $2) r'),
    async drop(db, doc) {
      const name = String(doc.drop)
      const { r } = await documentdb.row('select documentdb_api.drop_collection($1, $2) r', db, name)
      return r ? { ns: `${db}.${name}`, nIndexesWas: 1, ok: 1 } : failure(26, 'NamespaceNotFound', 'ns not found')
    },
    async dropDatabase(db) {
      await documentdb.row('select documentdb_api.drop_database($1)', db)
      return { dropped: db, ok: 1 }
    },
    collMod: (db, doc) => documentdb.call('select documentdb_api.coll_mod($1, $2, $3) r', db, String(doc.collMod), doc),
    collStats: (db, doc) => documentdb.call('select documentdb_api.coll_stats($1, $2) r', db, String(doc.collStats)),
    dbStats: (db) => documentdb.call('select documentdb_api.db_stats($1) r', db),
    listDatabases: (_db, doc) => documentdb.call('select documentdb_api.list_databases($1) r', doc),
    shardCollection: shard('shard_collection'),
    reshardCollection: shard('reshard_collection'),

    /** PostgreSQL's own plan of what DocumentDB runs, as text under `queryPlanner.postgres`. */
    async explain(db, doc) {
      const inner: Document = doc.explain
      const kind = { aggregate: 'pipeline', count: 'count' }[Object.keys(inner)[0] ?? ''] ?? 'find'
      const from = `documentdb_api_catalog.bson_aggregation_${kind}`
      const arguments_ = `'${db.replaceAll("'", "''")}', '${toHex(withoutMeta(inner))}'::documentdb_core.bson`
      const row = await documentdb.row(`explain (format json) select document from ${from}(${arguments_})`)
      return { queryPlanner: { postgres: JSON.stringify(row['QUERY PLAN']) }, ok: 1 }
    },
  }
}

/**
 * One write at a time per collection. DocumentDB keeps a unique index as an exclusion constraint: two sessions that insert the same key at once deadlock
 * there, where MongoDB lets one win and refuses the other. In a queue the outcome is MongoDB's.
 */
function queues(): <T>(name: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (name, task) => {
    const mine = (last.get(name) ?? Promise.resolve()).then(task)
    last.set(
      name,
      mine.catch(() => {}),
    )
    return mine
  }
}

function hello(): Document {
  return {
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ok: 1,
  }
}

function buildInfo(): Document {
  return { version: '7.0.0', versionArray: [7, 0, 0, 0], maxBsonObjectSize: 16_777_216, ok: 1 }
}

/** What concerns the protocol and not the engine. Read and write concerns go too: every answer is that of one durable server. */
const META = new Set([
  '$db',
  'lsid',
  '$clusterTime',
  'txnNumber',
  '$readPreference',
  'apiVersion',
  'readConcern',
  'writeConcern',
  'maxTimeMS',
  'comment',
])

const withoutMeta = (doc: Document): Document =>
  Object.fromEntries(Object.entries(doc).filter(([key]) => !META.has(key)))
