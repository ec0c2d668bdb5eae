import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Fault } from '@parley/kit/fault'
import { openLog } from '@parley/kit/log'
import { sqliteStore } from '../store/sqlite.ts'
import type { NotificationStore } from '../store/store.ts'
import type { Digests } from './digest.ts'
import { type DigestRounds, startDigestRounds } from './digest-rounds.ts'

test('what could not be asked once is asked again soon, and not only when the claim on it is over', async (t) => {
  const { store, begin } = open(t)
  const { digests, asked } = awayOnce()
  const rounds = begin(digests)
  await rounds.note('c', ['bob'])
  await t.waitFor(isDecided(store), { timeout: 10_000 })
  assert.equal(asked(), 2)
})

test('what others claimed and lost when they died is asked again as soon as what failed for the first time', async (t) => {
  const { store, begin } = open(t)
  await store.digests.note({ conversationId: 'c', userIds: ['bob'] }, { dueAt: 1, everyMs: 1 }, 1)
  for (let now = 1; now <= 12; now++) assert.equal((await store.digests.claim({ now, leaseMs: 1, limit: 1 })).length, 1)
  begin(awayOnce().digests)
  await t.waitFor(isDecided(store), { timeout: 10_000 })
})

test('what is noted of who was deleted meanwhile is neither mailed nor kept', async (t) => {
  const { store, begin } = open(t)
  const rounds = begin(async () => ({ reason: 'account.deleted' }))
  await rounds.note('c', ['bob'])
  await t.waitFor(async () => assert.equal(await store.digests.nextDue(), undefined), { timeout: 10_000 })
  assert.equal(await store.digests.purge(Date.now() + 1, 10), 0, 'nor is there a row for the next')
  assert.deepEqual(await store.deliveries.ofUser('bob', 1), [])
})

/** A store, and rounds of the digests of it: a claim that is given up is over after a minute, for which no test waits. */
function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-rounds-'))
  const store = sqliteStore(join(folder, 'notification.db'))
  const stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(folder, { recursive: true }))
  stack.use(store)
  t.after(() => stack.disposeAsync())
  return {
    store,
    begin(digests: Digests): DigestRounds {
      const needs = { store: store.digests, digests, log: openLog('test', 'silent'), planned: () => undefined }
      return stack.use(startDigestRounds(needs, { afterMs: 1, everyMs: 1, leaseMs: 60_000 }))
    },
  }
}

/** Digests that cannot be asked for the first time, and after that find that all is read. */
function awayOnce() {
  let asked = 0
  const digests: Digests = async () => {
    if (++asked === 1) throw new Fault('unavailable', 'away')
    return { reason: 'read' }
  }
  return { digests, asked: () => asked }
}

const isDecided = (store: NotificationStore) => async () =>
  assert.equal((await store.deliveries.ofUser('bob', 1)).length, 1)
