import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@parley/kit/log'
import { eachAtOnce } from '../at-once.ts'
import type { PresenceStore } from '../store/store.ts'

/** One lease in the store for each device of this node, kept as long as the node's heart beats. Nothing here rejects. */
export interface Leases extends AsyncDisposable {
  came(socketId: string, userId: string): void
  went(socketId: string): void
  /** Whether the device is in use. Says nothing twice. */
  use(socketId: string, active: boolean): void
}

const HEARTBEAT_MS = 5_000
/** After a restart all of a node's devices come at once: those of a moment are saved together, so that they share the store's rounds. */
const GATHER_MS = 20
const SAVED_AT_ONCE = 128
/** Changes that wait for a store that is away, above two for each device that is here. */
const MAX_UNSAVED = 10_000

interface Change {
  userId: string
  here: boolean
  idle: boolean
  /** The store may have heard of it. */
  tried: boolean
}

/** Opens the leases of this node. `changed` hears of users who came with their first device, or went with their last. */
export function openLeases(deps: {
  store: PresenceStore
  changed: (userId: string) => void
  log: Log
  maxUnsaved?: number
}): Leases {
  const { store, changed, log, maxUnsaved = MAX_UNSAVED } = deps
  /** The devices that are here, by socket: whose, and whether they are idle. */
  const here = new Map<string, { userId: string; idle: boolean }>()
  /** The last change of a lease that the store has not taken yet, by socket. */
  const unsaved = new Map<string, Change>()
  let nodeId: string = randomUUID()
  let saving: Promise<void> | undefined

  /** Until all is saved, or some of it cannot be: what fails is tried again with the next heartbeat. */
  function save(): void {
    if (!saving && unsaved.size > 0) saving = saveAll()
  }

  /** Saves in turn, so that a device that came and went at once ends as gone. */
  async function saveAll(): Promise<void> {
    let failed = false
    while (unsaved.size > 0 && !failed) {
      await pause(GATHER_MS)
      await eachAtOnce(SAVED_AT_ONCE, [...unsaved], async ([socketId, change]) => {
        if (failed || unsaved.get(socketId) !== change) return
        await saveOne(socketId, change).catch((error) => {
          if (!failed) log.warn({ err: error }, 'presence cannot be stored')
          failed = true
        })
      })
    }
    saving = undefined
  }

  async function saveOne(socketId: string, change: Change): Promise<void> {
    const { userId, idle } = change
    const lease = { nodeId, socketId, userId }
    change.tried = true
    const turned = change.here ? (await store.connect({ ...lease, idle })).first : (await store.disconnect(lease)).last
    if (unsaved.get(socketId) === change) unsaved.delete(socketId)
    if (turned) changed(userId)
  }

  /**
   * Keeps in bounds what waits for a store that is away: as another node this one has only to say who is here. The leases of
   * the node it was end by themselves, without its heartbeat.
   */
  function bound(): void {
    if (unsaved.size <= maxUnsaved + 2 * here.size) return
    log.warn({ unsaved: unsaved.size }, 'too much of presence could not be stored: it begins anew')
    nodeId = randomUUID()
    unsaved.clear()
    for (const [socketId, device] of here) unsaved.set(socketId, { ...device, here: true, tried: false })
  }

  async function beat(): Promise<void> {
    try {
      await store.heartbeat(nodeId)
      for (const userId of await store.expire()) changed(userId)
    } catch (error) {
      log.warn({ err: error }, 'the heartbeat of presence failed')
    }
    save()
  }

  let beating: Promise<void> = beat()
  const heart = setInterval(() => {
    beating = beating.then(beat)
  }, HEARTBEAT_MS)

  return {
    came(socketId, userId) {
      here.set(socketId, { userId, idle: false })
      unsaved.set(socketId, { userId, here: true, idle: false, tried: false })
      save()
    },
    went(socketId) {
      const device = here.get(socketId)
      if (!device) return
      here.delete(socketId)
      if (unsaved.get(socketId)?.tried === false) unsaved.delete(socketId)
      else unsaved.set(socketId, { ...device, here: false, tried: false })
      bound()
      save()
    },
    use(socketId, active) {
      const device = here.get(socketId)
      if (!device || device.idle === !active) return
      device.idle = !active
      // A lease that was never tried stays so: if its device goes now, nobody needs to be told.
      const { tried } = unsaved.get(socketId) ?? { tried: true }
      unsaved.set(socketId, { ...device, here: true, tried })
      save()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(heart)
      await beating
      await saving
    },
  }
}
