import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { beginning, isOnlyEmoji } from './length.ts'

test('a long message is folded to its beginning, never in the midst of a character', () => {
  assert.equal(beginning('short'), undefined)
  assert.equal(beginning(Array.from({ length: 20 }, () => 'x').join('\n')), undefined)
  assert.equal(beginning(Array.from({ length: 30 }, () => 'x').join('\n'))?.split('\n').length, 20)
  const part = fc.constantFrom('word ', '😀', '漢字', '\n', 'x'.repeat(200))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 400 }), (parts) => {
      const text = parts.join('')
      const short = beginning(text)
      if (short === undefined) return assert.ok(text.length <= 1_800)
      assert.ok(text.startsWith(short) && short.length < text.length && short.length <= 1_800)
      assert.ok((short as string & { isWellFormed(): boolean }).isWellFormed())
    }),
  )
})

test('one to three emoji alone are shown large', () => {
  for (const text of ['👍', ' 👩‍👩‍👧 ', '🇩🇪🎉', '❤️ 😂 😮']) assert.ok(isOnlyEmoji(text), text)
  for (const text of ['', '👍!', 'a', '1', '👍👍👍👍', '😀 ok']) assert.ok(!isOnlyEmoji(text), text)
})
