import type { Log } from '@parley/kit/log'
import type { PresenceItem } from '@parley/protocol/socket'
import { eachAtOnce } from './at-once.ts'
import type { Connection } from './connections.ts'
import type { Fanout } from './fanout.ts'
import type { PresenceStore } from './store/store.ts'
import type { Watchers } from './watchers.ts'
import { packetOf } from './writer.ts'

/** Who is here, by one lease per device (I21): two tabs, one closed, is still online. */
export interface Presence extends AsyncDisposable {
  came(connection: Connection): void
  went(connection: Connection): void
  /** Replaces whom the device watches, and says how they are. Others than those it shares a conversation with are left out. */
  subscribe(connection: Connection, userIds: readonly string[]): Promise<{ items: PresenceItem[] }>
}

const HEARTBEAT_MS = 5_000
/** Changes within this time are told once, as they are at its end. */
const COALESCE_MS = 250
/** After a restart all of a node's devices come at once. */
const LEASES_AT_ONCE = 32

/** Opens the leases of this node. */
export function openPresence(deps: {
  nodeId: string
  store: PresenceStore
  watchers: Watchers
  fanout: Fanout
  log: Log
}): Presence {
  const { nodeId, store, watchers, fanout, log } = deps
  const changed = new Set<string>()
  /** Leases whose last change the store has not taken yet, as they should be. */
  const unsaved = new Map<string, { userId: string; here: boolean }>()
  let saving: Promise<void> = Promise.resolve()
  let telling: NodeJS.Timeout | undefined

  function noteChange(userId: string): void {
    changed.add(userId)
    telling ??= setTimeout(() => {
      telling = undefined
      const userIds = [...changed]
      changed.clear()
      tell(userIds).catch((error) => log.warn({ err: error }, 'presence was not told'))
    }, COALESCE_MS)
  }

  async function tell(userIds: string[]): Promise<void> {
    for (const item of await store.read(userIds)) fanout.toWatchers(item.userId, packetOf('presence.changed', item))
  }

  /** Saves in turn, so that a device that came and went at once ends as gone. What fails is tried again with the next heartbeat. */
  function save(): void {
    saving = saving
      .then(() => eachAtOnce(LEASES_AT_ONCE, [...unsaved], saveOne))
      .catch((error) => log.warn({ err: error }, 'presence cannot be stored'))
  }

  async function saveOne([socketId, { userId, here }]: [string, { userId: string; here: boolean }]): Promise<void> {
    const lease = { nodeId, socketId, userId }
    const turned = here ? (await store.connect(lease)).first : (await store.disconnect(lease)).last
    if (unsaved.get(socketId)?.here === here) unsaved.delete(socketId)
    if (turned) noteChange(userId)
  }

  async function beat(): Promise<void> {
    try {
      await store.heartbeat(nodeId)
      for (const userId of await store.expire()) noteChange(userId)
    } catch (error) {
      log.warn({ err: error }, 'the heartbeat of presence failed')
    }
    if (unsaved.size > 0) save()
  }

  let beating: Promise<void> = beat()
  const heart = setInterval(() => {
    beating = beating.then(beat)
  }, HEARTBEAT_MS)

  return {
    came(connection) {
      unsaved.set(connection.id, { userId: connection.actor.userId, here: true })
      save()
    },
    went(connection) {
      watchers.forget(connection)
      unsaved.set(connection.id, { userId: connection.actor.userId, here: false })
      save()
    },
    async subscribe(connection, userIds) {
      const allowed = await watchers.watch(connection, userIds)
      return { items: allowed.length > 0 ? await store.read(allowed) : [] }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(heart)
      await beating
      await saving
      clearTimeout(telling)
      await tell([...changed]).catch(() => undefined)
    },
  }
}
