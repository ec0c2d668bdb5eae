import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import { openLog } from '@parley/kit/log'
import { sqliteStore } from '../store/sqlite.ts'
import { startDigestRounds } from './digest-rounds.ts'

test('what could not be asked once is asked again soon, and not only when the claim on it is over', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-rounds-'))
  const store = sqliteStore(join(folder, 'notification.db'))
  let asked = 0
  const digests = async () => {
    if (++asked === 1) throw new Fault('unavailable', 'away')
    return { reason: 'read' as const }
  }
  const needs = { store: store.digests, digests, log: openLog('test', 'silent'), planned: () => undefined }
  const rounds = startDigestRounds(needs, { afterMs: 1, everyMs: 1, leaseMs: 60_000 })
  t.after(async () => {
    await rounds[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  await rounds.note('c', ['bob'])
  for (const deadline = Date.now() + 10_000; (await store.deliveries.ofUser('bob', 1)).length === 0; await pause(10))
    assert.ok(Date.now() < deadline, 'not within 10 s')
  assert.equal(asked, 2)
})

test('what others claimed and lost when they died is asked again as soon as what failed for the first time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-rounds-'))
  const store = sqliteStore(join(folder, 'notification.db'))
  await store.digests.note({ conversationId: 'c', userIds: ['bob'] }, { dueAt: 1, everyMs: 1 }, 1)
  for (let now = 1; now <= 12; now++) assert.equal((await store.digests.claim({ now, leaseMs: 1, limit: 1 })).length, 1)
  let asked = 0
  const digests = async () => {
    if (++asked === 1) throw new Fault('unavailable', 'away')
    return { reason: 'read' as const }
  }
  const needs = { store: store.digests, digests, log: openLog('test', 'silent'), planned: () => undefined }
  const rounds = startDigestRounds(needs, { afterMs: 1, everyMs: 1, leaseMs: 60_000 })
  t.after(async () => {
    await rounds[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  const isAsked = async () => assert.equal((await store.deliveries.ofUser('bob', 1)).length, 1)
  await t.waitFor(isAsked, { timeout: 10_000 })
})

test('what is noted of who was deleted meanwhile is neither mailed nor kept', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-rounds-'))
  const store = sqliteStore(join(folder, 'notification.db'))
  const digests = async () => ({ reason: 'account.deleted' as const })
  const needs = { store: store.digests, digests, log: openLog('test', 'silent'), planned: () => undefined }
  const rounds = startDigestRounds(needs, { afterMs: 1, everyMs: 1 })
  t.after(async () => {
    await rounds[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  await rounds.note('c', ['bob'])
  await t.waitFor(async () => assert.equal(await store.digests.nextDue(), undefined), { timeout: 10_000 })
  assert.equal(await store.digests.purge(Date.now() + 1, 10), 0, 'nor is there a row for the next')
  assert.deepEqual(await store.deliveries.ofUser('bob', 1), [])
})
