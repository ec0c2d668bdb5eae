import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openLog } from '@parley/kit/log'
import type { ControlEntry } from '@parley/protocol/events'
import { openSessionsOver } from './sessions-over.ts'
import { sqliteStore } from './store/sqlite.ts'

test('a device that one process registers after another has carried out the end of its session goes, too', async (t) => {
  const { store, open, revoke, registered, register } = fresh(t)
  await using here = await open()
  await using there = await open()
  await until(async () => (await store.progress.of('control')) === 0)
  await register('phone', 'over')
  revoke('over')
  there.look()
  await until(async () => (await registered()).length === 0)
  await register('phone', 'over')
  await register('laptop', 'good')
  here.look()
  await until(async () => (await registered()).length === 1)
  assert.deepEqual(await registered(), ['laptop'])
})

test('what a process registered and died before it heard that the session was over goes when one starts', async (t) => {
  const { store, open, revoke, registered, register } = fresh(t)
  {
    await using first = await open()
    await until(async () => (await store.progress.of('control')) === 0)
    revoke('over')
    first.look()
    await until(async () => (await store.progress.of('control')) === 1)
  }
  await register('phone', 'over')
  await using second = await open()
  second.look()
  await until(async () => (await registered()).length === 0)
})

test('of who is deleted nothing is left in what was decided for them', async (t) => {
  const { store, open, remove } = fresh(t)
  await using over = await open()
  await until(async () => (await store.progress.of('control')) === 0)
  await store.watches.note([{ conversationId: 'tea', seq: 1 }], 1)
  const [watch] = await store.watches.claim({ owner: 'me', now: 1, leaseMs: 1, limit: 1 })
  const answers = [{ fromSeq: 1, toSeq: 1, answer: 'read' as const, userIds: ['ann', 'bob'] }]
  const round = { conversationId: 'tea', fromSeq: 1, toSeq: 1, at: 1, answers }
  await store.watches.decide(watch!, round, [], { seq: 0, dueAt: 1 })
  remove('ann')
  over.look()
  await until(async () => (await store.progress.of('control')) === 1)
  assert.deepEqual((await store.watches.round('tea', 1))?.answers[0]?.userIds, ['bob'])
})

/** A store, and the control log of a user service. */
function fresh(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-over-'))
  const store = sqliteStore(join(folder, 'notification.db'))
  t.after(async () => {
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  const entries: ControlEntry[] = []
  const directory = {
    control: async (after: number, limit: number) => ({
      entries: entries.slice(after, after + limit),
      head: entries.length,
    }),
  }
  const address = { kind: 'fcm', token: 'x', platform: 'android', form: 'data' } as const
  return {
    store,
    open: () => openSessionsOver({ store, directory, revoked: async () => undefined, log: openLog('test', 'silent') }),
    revoke: (sessionId: string) =>
      entries.push({
        ...{ n: entries.length + 1, at: new Date().toISOString(), kind: 'session.revoked' },
        ...{ userId: 'ann', sessionId, reason: 'logout' },
      }),
    remove: (userId: string) =>
      entries.push({
        ...{ n: entries.length + 1, at: new Date().toISOString(), kind: 'user.deleted' },
        ...{ userId, messages: 'keep' },
      }),
    registered: async () => (await store.devices.ofUsers(['ann'])).map(({ id }) => id),
    register: (id: string, sessionId: string) =>
      store.devices.put({ id, userId: 'ann', sessionId, name: '', address, registeredAt: 1, refused: 0 }, 20),
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await holds()); await pause(10))
    if (Date.now() > deadline) throw new Error('not within 10 s')
}
