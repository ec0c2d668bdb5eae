import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cache } from './cache.ts'

test('what is used stays and what is not used goes, by weight and only when trimmed', () => {
  const cache = new Cache<number>(10, (value) => value)
  const add = (...keys: string[]) => {
    for (const key of keys) cache.set(key, 4)
    cache.trim()
  }
  add('a', 'b', 'c')
  assert.equal(cache.get('a'), 4, 'the older generation is still there, and what is used of it joins the younger')
  add('d', 'e')
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].map((key) => cache.get(key)),
    [4, undefined, undefined, 4, 4],
  )
  cache.delete('d')
  assert.equal(cache.get('d'), undefined)
  for (let n = 0; n < 1_000; n++) cache.set(`${n}`, 1)
  assert.equal(cache.get('0'), 1, 'not in the middle of a round')
  cache.clear()
  assert.equal(cache.get('0'), undefined)
})
