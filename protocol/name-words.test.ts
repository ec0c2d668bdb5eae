import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFoundBy, wordsOf } from './name-words.ts'

test('somebody is found by how the user name begins, and by beginnings of words of the display name, in any order', () => {
  const ann = { username: 'ann_42', displayName: 'Ánn-Marie  SMITH' }
  for (const q of ['a', 'ANN_4', 'smi', 'Smith ann', ' marie ', 'ａｎｎ', 'sm,an']) assert.ok(isFoundBy(ann, q), q)
  for (const q of ['', '  ', '42', 'nn', 'mith', 'smith bob', '!!', '_']) assert.ok(!isFoundBy(ann, q), q)
})

test('without a display name the user name alone counts, and from its beginning', () => {
  assert.ok(isFoundBy({ username: 'Straße' }, 'STRASS'))
  for (const displayName of [undefined, '', '…'])
    assert.ok(!isFoundBy({ username: 'new.york', displayName }, 'york'), displayName)
})

test('words are each there once, and none is longer than an index takes', () => {
  assert.deepEqual(wordsOf('Ann ANN änn'), ['ann'])
  assert.deepEqual(wordsOf('x'.repeat(200)), ['x'.repeat(64)])
  assert.deepEqual(wordsOf(null), [])
})
