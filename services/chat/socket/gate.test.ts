import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@parley/kit/fault'
import { openGate } from './gate.ts'

test('no more are let in at once than may be, and those who wait are let in as they came', async () => {
  const gate = openGate(3, 5_000)
  const begun: number[] = []
  const ends: (() => void)[] = []
  let [running, most] = [0, 0]
  const all = Array.from({ length: 50 }, (_, n) =>
    gate(async () => {
      begun.push(n)
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => ends.push(resolve))
      running--
    }),
  )
  while (begun.length < 50 || ends.length > 0) {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(all)
  assert.equal(most, 3)
  assert.deepEqual(
    begun,
    Array.from({ length: 50 }, (_, n) => n),
  )
})

test('of a storm of 10,000 only so many wait: the others are told at once when to come back, spread out', async () => {
  const gate = openGate(10, 5_000)
  const results = await Promise.allSettled(
    Array.from({ length: 10_000 }, () => gate(() => new Promise<void>((resolve) => setImmediate(resolve)))),
  )
  const retries = results.flatMap((result) => {
    if (result.status === 'fulfilled') return []
    const reason: unknown = result.reason
    assert.ok(reason instanceof Fault && reason.code === 'unavailable')
    return [reason.retryAfterMs!]
  })
  assert.equal(retries.length, 10_000 - 10 - 200)
  assert.ok(Math.min(...retries) >= 1_000 && Math.max(...retries) <= 5_000)
  assert.ok(new Set(retries.map((ms) => Math.floor(ms / 100))).size > 30, 'they do not come back together')
})

test('who waits longer than it may is refused, and work that fails makes room', async () => {
  const gate = openGate(1, 20)
  const held = Promise.withResolvers<void>()
  const first = gate(() => held.promise)
  await assert.rejects(
    gate(async () => 'late'),
    { code: 'unavailable' },
  )
  held.reject(new Error('failed'))
  await assert.rejects(first, /failed/)
  assert.equal(await gate(async () => 'in'), 'in')
})
