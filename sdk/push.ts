import type { DeviceItem, PushKeys } from '@parley/protocol/notification'
import type { LoginReply } from '@parley/protocol/user'
import { delay, fullJitter } from './backoff.ts'
import { asParleyError } from './error.ts'
import type { Send } from './http.ts'
import { KEY, type Kept, userPrefix } from './session.ts'
import { writable } from './store.ts'
import type { DeviceStorage, PushAddress, PushHere, PushSource, Readable } from './types.ts'

/** The device may not be pushed to, or cannot: `reason` is the browser's name for it, such as `NotAllowedError`. */
export class PushRefused extends Error {
  readonly reason: string

  constructor(reason: string, options?: ErrorOptions) {
    super(`Pushes are refused: ${reason}`, options)
    this.name = 'PushRefused'
    this.reason = reason
  }
}

/** What a device keeps of being pushed to: that it is to be, and as what it was registered last. */
interface Registered {
  /** The endpoint, or the token. */
  endpoint: string
  deviceId: string
}

/** This device's pushes, for whoever is signed in. */
export interface OwnPush {
  readonly here: Readable<PushHere>
  turnOn(): Promise<void>
  turnOff(): Promise<void>
  look(): Promise<void>
  signedIn(userId: string): void
  /** Connected, until `gone`: what waits is tried again. */
  up(gone: AbortSignal): void
  /** The session is over; `leaves` unless somebody else has signed in with this device, who takes the address over. */
  signedOut(leaves: boolean): Promise<void>
}

const LEAVE_WAIT_MS = 3_000
const keptAs = (userId: string): string => `${userPrefix(userId)}push`

/** Does nothing where there is no `source`. Of several tabs one at a time looks, so that two never make two addresses. */
export function openPush(needs: {
  source: PushSource | undefined
  send: Send
  storage: DeviceStorage
  deviceName: string | undefined
}): OwnPush {
  const { source, send, storage, deviceName } = needs
  const here = writable<PushHere>({ state: source ? 'off' : 'none' })
  let userId: string | undefined
  /** Registered since this user signed in here. */
  let fresh = false
  let last: Promise<unknown> = Promise.resolve()

  /** One step at a time, here and in the other tabs. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = last.then(() => locked(storage, 'push', step))
    last = done.catch(() => undefined)
    return done
  }

  async function turnOn(): Promise<void> {
    const me = userId
    if (!source || me === undefined) throw new PushRefused('NotSupportedError')
    await inTurn(async () => {
      if (me !== userId) return
      const keys = await keysOf(send)
      const current = await source.current()
      const kept = (await storage.get(keptAs(me))) as Registered | undefined
      const isGood = current && kept && saysKey(current) && isFor(current, keys)
      const address = isGood ? current : await anew(keys, current)
      await register(me, address)
    })
  }

  /** An address that nobody but this user has ever had: what waits at the one before, for whoever used this device then, never arrives. */
  async function anew({ publicKey, fcmWeb }: PushKeys, before: PushAddress | undefined): Promise<PushAddress> {
    if (before) await source!.unsubscribe()
    return source!.subscribe(publicKey, fcmWeb)
  }

  async function register(me: string, address: PushAddress): Promise<void> {
    const { id } = await registered(send, address, deviceName)
    if (me !== userId) return
    await storage.write([[keptAs(me), { endpoint: placeOf(address), deviceId: id } satisfies Registered]])
    fresh = true
    here.set({ state: 'on', deviceId: id })
  }

  /** Makes what the server knows of this device true. */
  async function reconcile(me: string): Promise<void> {
    const kept = (await storage.get(keptAs(me))) as Registered | undefined
    const current = await source!.current()
    if (me !== userId) return
    // What is there without having been ours is of who used this device before.
    if (!kept && !current) return here.set({ state: 'off' })
    if (fresh && current && placeOf(current) === kept?.endpoint)
      return here.set({ state: 'on', deviceId: kept.deviceId })
    if (here.get().state === 'off') here.set({ state: 'waiting' })
    const keys = await keysOf(send)
    const isGood = current && kept && isFor(current, keys)
    // The push service had lost an address that the server has forgotten.
    const isKnown = isGood && (placeOf(current) !== kept.endpoint || (await isListed(kept.deviceId)))
    const address = isKnown ? current : await anew(keys, current)
    await register(me, address)
    if (kept && kept.endpoint !== placeOf(address)) await removed(kept.deviceId)
  }

  async function isListed(deviceId: string): Promise<boolean> {
    const { items } = (await send({ method: 'GET', path: '/api/devices' })) as { items: DeviceItem[] }
    return items.some(({ id }) => id === deviceId)
  }

  async function removed(deviceId: string): Promise<void> {
    try {
      await send({ method: 'DELETE', path: `/api/devices/${encodeURIComponent(deviceId)}` })
    } catch (error) {
      if (asParleyError(error).problem.code !== 'not_found') throw error
    }
  }

  async function look(): Promise<void> {
    const me = userId
    if (!source || me === undefined) return
    await inTurn(async () => {
      if (me !== userId) return
      try {
        await reconcile(me)
      } catch (error) {
        if (!(error instanceof PushRefused) || error.reason !== 'NotAllowedError') return
        // One has taken the permission back in the browser.
        const kept = (await storage.get(keptAs(me))) as Registered | undefined
        await storage.write([[keptAs(me), undefined]])
        here.set({ state: 'off' })
        if (kept) await removed(kept.deviceId).catch(() => undefined)
      }
    })
  }

  async function untilKnown(gone: AbortSignal): Promise<void> {
    for (let failures = 1; !gone.aborted; failures++) {
      await look()
      if (here.get().state !== 'waiting') return
      await delay(fullJitter(failures, { base: 1_000, cap: 600_000 }), gone)
    }
  }

  return {
    here,
    turnOn,
    async turnOff() {
      const me = userId
      if (!source || me === undefined) return
      await inTurn(async () => {
        const kept = (await storage.get(keptAs(me))) as Registered | undefined
        await source.unsubscribe()
        await storage.write([[keptAs(me), undefined]])
        here.set({ state: 'off' })
        // What cannot be told now the push service says: nobody is there any more.
        if (kept) await removed(kept.deviceId)
      })
    },
    look,
    signedIn(id) {
      userId = id
      fresh = false
    },
    up: (gone) => void untilKnown(gone),
    async signedOut(leaves) {
      const me = userId
      userId = undefined
      fresh = false
      here.set({ state: source ? 'off' : 'none' })
      if (!source || !leaves) return
      const left = inTurn(async () => {
        const session = (await storage.get(KEY)) as Kept | undefined
        // Somebody else may have signed in since, in another tab: the address is theirs.
        if (!session || session.user.id === me) await source.unsubscribe()
      }).catch(() => undefined)
      // A push service that is not reached must not keep anybody from leaving.
      const late = new AbortController()
      await Promise.race([left, delay(LEAVE_WAIT_MS, late.signal)])
      late.abort()
    },
  }
}

/**
 * For the service worker of a page that is closed: the browser has changed the address, and nobody else can say so. Asks for an access
 * token as the page does; whoever is signed in is pushed to at the new address from then on.
 */
export async function registerFromWorker(needs: {
  send: Send
  storage: DeviceStorage
  address: PushAddress
  deviceName: string | undefined
}): Promise<void> {
  const { send, storage, address, deviceName } = needs
  await locked(storage, 'push', async () => {
    const session = (await storage.get(KEY)) as Kept | undefined
    const kept = session && ((await storage.get(keptAs(session.user.id))) as Registered | undefined)
    if (!kept || kept.endpoint === placeOf(address)) return
    // Pushed to by FCM: its token for the new address only a page can ask for.
    if (!kept.endpoint.startsWith('https://')) return
    const { token, user } = await locked(
      storage,
      'refresh',
      async () => (await send({ method: 'POST', path: '/api/user/refresh', body: {} })) as LoginReply,
    )
    if (user.id !== session.user.id) return
    const authorized: Send = (request) => send({ ...request, headers: { authorization: `Bearer ${token}` } })
    const { id } = await registered(authorized, address, deviceName)
    await storage.write([[keptAs(user.id), { endpoint: placeOf(address), deviceId: id } satisfies Registered]])
  })
}

const keysOf = async (send: Send): Promise<PushKeys> =>
  (await send({ method: 'GET', path: '/api/notifications/push-key' })) as PushKeys

/** What tells one address from another. */
const placeOf = (address: PushAddress): string => ('token' in address ? address.token : address.endpoint)

/** An app's address needs no key: it takes pushes of the operator's project. */
const saysKey = (address: PushAddress): boolean => 'token' in address || address.publicKey !== undefined

/** Whether the server pushes to such an address now, as far as one can tell. */
function isFor(address: PushAddress, { publicKey, fcmWeb }: PushKeys): boolean {
  if ('token' in address) return address.publicKey === undefined || address.publicKey === fcmWeb?.vapidKey
  return fcmWeb === undefined && (address.publicKey ?? publicKey) === publicKey
}

async function registered(send: Send, address: PushAddress, name: string | undefined): Promise<DeviceItem> {
  const { publicKey: _, ...place } = address
  const body = { ...place, ...(name !== undefined && { name }) }
  return (await send({ method: 'POST', path: '/api/devices', body })) as DeviceItem
}

function locked<T>(storage: DeviceStorage, what: 'push' | 'refresh', step: () => Promise<T>): Promise<T> {
  const locks = storage.sharedAs === undefined ? undefined : globalThis.navigator?.locks
  return locks ? (locks.request(`${storage.sharedAs}-${what}`, step) as Promise<T>) : step()
}
