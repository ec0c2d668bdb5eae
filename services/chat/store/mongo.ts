import { randomUUID } from 'node:crypto'
import type { Log } from '@parley/kit/log'
import { connect } from '@parley/kit/mongo'
import { LIMITS, type Limits } from '@parley/protocol/limits'
import type { Document, MongoClient } from 'mongodb'
import { amendIn } from './mongo/amendments.ts'
import { type Collections, collectionsOf } from './mongo/collections.ts'
import { BOUNDED, clientOf, isDuplicate } from './mongo/connection.ts'
import { openDepartures } from './mongo/departures.ts'
import { openHeads } from './mongo/heads.ts'
import { openInbox } from './mongo/inbox.ts'
import { prepare } from './mongo/indexes.ts'
import { openLog } from './mongo/log.ts'
import { openMarks } from './mongo/marks.ts'
import { openOwn } from './mongo/own.ts'
import { openPeople } from './mongo/people.ts'
import { openPresence } from './mongo/presence.ts'
import { raiseIn } from './mongo/raise.ts'
import { openSearch } from './mongo/search.ts'
import { openSearchIndex } from './mongo/search-index.ts'
import { openSettings } from './mongo/settings.ts'
import type { ChatStore } from './store.ts'

export interface MongoOptions {
  limits?: Limits
  /** Hears why a commit was given up. */
  log?: Log
  /** Milliseconds after which a node without a heartbeat is dead. */
  leaseMs?: number
  /** Hears of every command just before it is sent: its name and its document. */
  onCommand?(name: string, command: Document): void
}

/**
 * The store on MongoDB (a replica set or a sharded cluster), in the database that the URL names. No transactions, no change
 * streams. Any number of processes may share it. Rejects when the server cannot be reached, or lacks an index that the
 * promises rest on and that cannot be built.
 */
export async function mongoStore(url: string, options: MongoOptions = {}): Promise<ChatStore> {
  await prepareDatabase(url)
  const client = clientOf(url, { monitorCommands: options.onCommand !== undefined })
  client.on('commandStarted', (event) => options.onCommand?.(event.commandName, event.command))
  try {
    await connect(client)
    return await openOn(client, options)
  } catch (error) {
    await client.close()
    throw error
  }
}

async function openOn(client: MongoClient, options: MongoOptions): Promise<ChatStore> {
  const { limits = LIMITS, leaseMs = 15_000 } = options
  let reads = 0
  const collections = collectionsOf(client.db(), () => {
    reads++
  })
  const heads = openHeads(collections)
  // A server that went away may come back restored to an earlier state: what was known of it is not known any more.
  client.on('connectionPoolCleared', heads.clear)
  const amend = amendIn(collections.log)
  const index = openSearchIndex({ collections, amend, logger: options.log })
  const inbox = openInbox(collections)
  const raise = raiseIn(collections)
  const parts = {
    collections,
    heads,
    raise,
    amend,
    queue: limits.appendQueue,
    logger: options.log,
    committed: index.note,
  }
  const log = openLog(parts)
  const marks = openMarks(parts)
  let reachable = true
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    reachable = [...newDescription.servers.values()].some((server) => server.isWritable)
  })
  return {
    log,
    marks,
    settings: openSettings(parts),
    inbox,
    own: openOwn(parts),
    presence: openPresence(collections, leaseMs),
    people: openPeople(collections),
    departures: openDepartures(collections),
    search: openSearch({ collections, inbox, heads, amend, index }),
    epoch: await epochOf(collections),
    get healthy() {
      return reachable
    },
    get reads() {
      return reads
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([log.close(), marks.close(), index.close()])
      await heads.settled()
      await client.close()
    },
  }
}

/** Building an index takes as long as it takes, unlike everything after it. */
async function prepareDatabase(url: string): Promise<void> {
  const client = clientOf(url, { socketTimeoutMS: 0, writeConcern: { w: 'majority', journal: true } })
  try {
    await connect(client)
    await prepare(client.db())
  } finally {
    await client.close()
  }
}

async function epochOf({ about }: Pick<Collections, 'about'>): Promise<string> {
  try {
    const update = { $setOnInsert: { epoch: randomUUID() } }
    await about.updateOne({ _id: 'epoch' }, update, { ...BOUNDED, upsert: true })
  } catch (error) {
    if (!isDuplicate(error)) throw error
  }
  const found = await about.findOne({ _id: 'epoch' }, BOUNDED)
  if (!found) throw new Error('the database does not keep its epoch')
  return found.epoch
}
