import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenStore } from '../store.contract.ts'
import type { PresenceStore } from '../store.ts'
import { newId, people, until } from './world.ts'

/** Presence by leases: one per device, as long as its node lives. */
export function presenceContract(name: string, open: OpenStore): void {
  test(`${name}: one is here from the first device's coming to the last one's going`, async (t) => {
    const { store } = await open(t)
    const { presence } = store
    const [ann, bob] = people(2) as [string, string]
    const phone = { nodeId: 'node-1', socketId: 'phone', userId: ann }
    const laptop = { nodeId: 'node-2', socketId: 'laptop', userId: ann }
    assert.deepEqual(await presence.read([ann]), [{ userId: ann, online: false }])
    assert.deepEqual(await presence.connect(phone), { first: true })
    assert.deepEqual(await presence.connect(laptop), { first: false })
    assert.deepEqual(await presence.connect(phone), { first: false }, 'a repeat is no second device')
    assert.deepEqual(await presence.read([bob, ann]), [
      { userId: bob, online: false },
      { userId: ann, online: true },
    ])
    assert.deepEqual(await presence.disconnect(phone), { last: false })
    assert.deepEqual(await presence.disconnect({ ...phone, socketId: 'never here' }), { last: false })
    assert.equal((await presence.read([ann]))[0]?.online, true)
    const before = Date.now()
    assert.deepEqual(await presence.disconnect(laptop), { last: true })
    await presence.disconnect(laptop)
    const [seen] = await presence.read([ann])
    assert.equal(seen?.online, false)
    assert.match(seen.lastSeenAt ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(Math.abs(Date.parse(seen.lastSeenAt ?? '') - before) < 60_000)
    assert.deepEqual(await presence.connect(laptop), { first: true })
    assert.equal((await presence.read([ann]))[0]?.online, true)
  })

  test(`${name}: one is active while one of the devices that are here is in use`, async (t) => {
    const opened = await open(t, { leaseMs: 600 })
    const { presence } = opened.store
    const [ann, bob, cem] = people(3) as [string, string, string]
    const beating = keepAlive(t, presence, 'alive')
    const phone = { nodeId: 'alive', socketId: 'phone', userId: ann }
    const laptop = { nodeId: 'alive', socketId: 'laptop', userId: ann }
    await presence.connect(phone)
    await presence.connect({ nodeId: 'alive', socketId: 'tablet', userId: cem })
    assert.deepEqual(await presence.active([cem, bob, ann]), [cem, ann], 'in use until it says otherwise')
    assert.deepEqual(await presence.connect({ ...phone, idle: true }), { first: false }, 'no second device')
    await presence.connect({ ...laptop, idle: true })
    assert.deepEqual(await presence.active([ann]), [])
    assert.equal((await presence.read([ann]))[0]?.online, true, 'idle is here')
    await presence.connect({ ...laptop, idle: false })
    assert.deepEqual(await presence.active([ann]), [ann])
    assert.deepEqual(await presence.disconnect(laptop), { last: false })
    assert.deepEqual(await presence.active([ann]), [])
    await presence.connect({ nodeId: 'silent', socketId: '1', userId: bob })
    assert.deepEqual(await presence.active([bob]), [bob])
    await until(async () => (await presence.active([bob])).length === 0)
    assert.deepEqual(await presence.active([cem]), [cem])
    await beating()
    await presence.connect({ ...phone, idle: true })
    const again = (await opened.reopen()).presence
    assert.deepEqual(await again.active([ann]), [])
  })

  test(`${name}: of devices that come and go at once exactly one is the first and one the last`, async (t) => {
    const opened = await open(t)
    const stores = [opened.store, (await opened.another?.()) ?? opened.store]
    const [ann] = people(1) as [string]
    const leases = Array.from({ length: 12 }, (_, n) => ({ nodeId: `node-${n % 2}`, socketId: `${n}`, userId: ann }))
    const came = await Promise.all(leases.map((lease, n) => stores[n % 2]!.presence.connect(lease)))
    assert.equal(came.filter(({ first }) => first).length, 1)
    const went = await Promise.all(leases.map((lease, n) => stores[n % 2]!.presence.disconnect(lease)))
    assert.ok(went.some(({ last }) => last))
    assert.equal((await opened.store.presence.read([ann]))[0]?.online, false)
  })

  test(`${name}: the devices of a node that fell silent are gone, and it is told once`, async (t) => {
    const opened = await open(t, { leaseMs: 600 })
    const { presence } = opened.store
    const other = ((await opened.another?.()) ?? opened.store).presence
    const [ann, bob, cem, dan] = people(4) as [string, string, string, string]
    const beating = keepAlive(t, presence, 'alive')
    await presence.connect({ nodeId: 'silent', socketId: '1', userId: ann })
    await presence.connect({ nodeId: 'silent', socketId: '2', userId: bob })
    await presence.connect({ nodeId: 'silent', socketId: '5', userId: dan })
    await presence.connect({ nodeId: 'alive', socketId: '3', userId: bob })
    await presence.connect({ nodeId: 'alive', socketId: '4', userId: cem })
    assert.deepEqual(await presence.expire(), [])
    assert.equal((await presence.read([ann]))[0]?.online, true)
    await until(async () => (await other.read([ann]))[0]?.online === false)
    const back = { nodeId: 'alive', socketId: '6', userId: dan }
    assert.deepEqual(await presence.connect(back), { first: true }, 'a device of a dead node does not count')
    const told: string[] = []
    await until(async () => {
      for (const gone of await Promise.all([presence.expire(), other.expire(), presence.expire()])) told.push(...gone)
      return told.length > 0
    })
    assert.deepEqual([...told, ...(await other.expire())], [ann])
    const [seen, ...others] = await presence.read([ann, bob, cem])
    assert.ok(seen?.lastSeenAt)
    assert.deepEqual(
      others.map(({ online }) => online),
      [true, true],
    )
    assert.deepEqual(await presence.connect({ nodeId: 'silent', socketId: '1', userId: ann }), { first: true })
    assert.deepEqual(await presence.disconnect({ nodeId: 'silent', socketId: '2', userId: bob }), { last: false })
    await beating()
  })

  test(`${name}: who was here when the process died is found gone after the restart`, async (t) => {
    const opened = await open(t, { leaseMs: 200 })
    const ann = newId()
    await opened.store.presence.connect({ nodeId: 'died', socketId: '1', userId: ann })
    const { presence } = await opened.reopen()
    assert.deepEqual(await until(async () => (await presence.expire()).find((userId) => userId === ann)), ann)
    assert.ok((await presence.read([ann]))[0]?.lastSeenAt)
  })
}

/** Sends heartbeats until told to stop, or until the test ends. */
function keepAlive(
  t: { after(stop: () => void): void },
  presence: PresenceStore,
  nodeId: string,
): () => Promise<unknown> {
  let last: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    last = presence.heartbeat(nodeId)
  }, 50)
  t.after(() => clearInterval(timer))
  return () => {
    clearInterval(timer)
    return last
  }
}
