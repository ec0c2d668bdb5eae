import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pinsAt } from './pins.ts'

test('what is pinned and disappears is shown until its moment, and the next moment is known', () => {
  const pin = (seq: number, expiresAt?: string) => ({ seq, ...(expiresAt !== undefined && { expiresAt }) })
  const [stays, soon, late] = [pin(1), pin(2, at(10)), pin(3, at(20))]
  const pins = [late, stays, soon]
  assert.deepEqual(pinsAt(pins, 0), { shown: pins, nextEnd: 10 })
  assert.deepEqual(pinsAt(pins, 9).shown, pins)
  assert.deepEqual(pinsAt(pins, 10), { shown: [late, stays], nextEnd: 20 })
  assert.deepEqual(pinsAt(pins, 20), { shown: [stays], nextEnd: undefined })
})

const at = (ms: number): string => new Date(ms).toISOString()
