import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Fault } from '@parley/kit/fault'
import { openLog } from '@parley/kit/log'
import { sqliteStore } from '../store/sqlite.ts'
import type { PresenceStore } from '../store/store.ts'
import { type Leases, openLeases } from './leases.ts'

/** Leases on a store that can be away, and what they tried to have saved. */
async function nodeOn(t: TestContext, maxUnsaved?: number) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-leases-'))
  const file = await sqliteStore(join(folder, 'chat.db'))
  const tried: { nodeId: string; socketId: string }[] = []
  const changed: string[] = []
  const state = { away: false }
  const store: PresenceStore = {
    ...file.presence,
    async connect(lease) {
      tried.push(lease)
      if (state.away) throw new Fault('unavailable', 'The store is away')
      return file.presence.connect(lease)
    },
    async disconnect(lease) {
      tried.push(lease)
      if (state.away) throw new Fault('unavailable', 'The store is away')
      return file.presence.disconnect(lease)
    },
  }
  const log = openLog('test', 'silent')
  const leases: Leases = openLeases({
    store,
    changed: (userId) => changed.push(userId),
    log,
    ...(maxUnsaved !== undefined && { maxUnsaved }),
  })
  t.after(async () => {
    await leases[Symbol.asyncDispose]()
    await file[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  const online = async (userIds: string[]) => (await file.presence.read(userIds)).map((item) => item.online)
  return { leases, state, tried, changed, online, active: file.presence.active }
}

test('a user whose device comes and goes at once ends as gone, and one who stays is here', async (t) => {
  const { leases, changed, online } = await nodeOn(t)
  const [ann, bob] = [randomUUID(), randomUUID()]
  leases.came('phone', bob)
  for (let n = 0; n < 50; n++) {
    leases.came(`tab-${n}`, ann)
    leases.went(`tab-${n}`)
  }
  leases.came('laptop', ann)
  await until(() => changed.includes(ann) && changed.includes(bob))
  assert.deepEqual(await online([ann, bob]), [true, true])
  leases.went('laptop')
  await until(() => changed.filter((userId) => userId === ann).length === 2)
  assert.deepEqual(await online([ann, bob]), [false, true])
})

test('a device is in use until it says otherwise, says nothing twice, and what it says lasts over an absence of the store', async (t) => {
  const { leases, state, tried, active, online } = await nodeOn(t)
  const ann = randomUUID()
  leases.came('phone', ann)
  await until(async () => (await active([ann])).length === 1)
  leases.use('phone', true)
  leases.use('never here', false)
  leases.use('phone', false)
  await until(async () => (await active([ann])).length === 0)
  assert.deepEqual(await online([ann]), [true])
  assert.equal(tried.length, 2)
  state.away = true
  leases.use('phone', true)
  await until(() => tried.length === 3)
  leases.use('phone', false)
  leases.use('phone', true)
  state.away = false
  leases.came('laptop', randomUUID())
  await until(async () => (await active([ann])).length === 1)
  leases.use('phone', false)
  leases.went('phone')
  await until(async () => (await online([ann]))[0] === false)
})

test('what changed while the store was away is right once it is back, and who was never saved costs nothing', async (t) => {
  const { leases, state, tried, online } = await nodeOn(t)
  const [ann, bob] = [randomUUID(), randomUUID()]
  leases.came('phone', ann)
  await until(async () => (await online([ann]))[0] === true)
  state.away = true
  leases.went('phone')
  await until(() => tried.length === 2)
  for (let n = 0; n < 50; n++) {
    leases.came(`tab-${n}`, ann)
    leases.went(`tab-${n}`)
  }
  state.away = false
  leases.came('laptop', bob)
  await until(async () => (await online([bob]))[0] === true)
  assert.deepEqual(await online([ann]), [false])
  assert.deepEqual(
    tried.filter(({ socketId }) => socketId.startsWith('tab')),
    [],
  )
})

test('a node begins anew under another name when too much waits for the store, and says who is here', async (t) => {
  const { leases, state, tried, online } = await nodeOn(t, 10)
  const [ann, bob] = [randomUUID(), randomUUID()]
  leases.came('stays', ann)
  for (let n = 0; n < 40; n++) leases.came(`goes-${n}`, bob)
  await until(async () => (await online([ann, bob])).every((here) => here))
  const before = tried.at(-1)!.nodeId
  state.away = true
  for (let n = 0; n < 40; n++) leases.went(`goes-${n}`)
  state.away = false
  const count = tried.length
  leases.came('new', bob)
  await until(() =>
    new Set(
      tried
        .slice(count)
        .filter((l) => l.nodeId !== before)
        .map((l) => l.socketId),
    ).has('stays'),
  )
  assert.ok(tried.length - count < 40, 'not all that waited')
})

/** Looks until it is so; rejects after 5 s. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come to that within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
