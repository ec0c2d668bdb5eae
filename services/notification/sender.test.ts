import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { retryAt } from './sender.ts'

test('pauses between tries double up to the longest, with jitter, and never end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 4e12 }), (before, now) => {
      const pause = retryAt(before, now) - now
      const full = Math.min(3_600_000, 5_000 * 2 ** Math.min(before, 20))
      assert.ok(pause >= full / 2 && pause <= full, `${before}: ${pause}`)
    }),
  )
  const pauses = new Set(Array.from({ length: 50 }, () => retryAt(3, 0)))
  assert.ok(pauses.size > 10, 'what failed together does not come back together')
})
