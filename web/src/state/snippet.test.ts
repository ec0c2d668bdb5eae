import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldText, rangesOf } from '@parley/protocol/fold'
import fc from 'fast-check'
import { snippet } from './snippet.ts'

test('what was found is told apart in the text as it was written', () => {
  assert.deepEqual(snippet('Lunch at noon', rangesOf('Lunch at noon', ['lunch', 'oo'])), [
    { text: 'Lunch', found: true },
    { text: ' at n', found: false },
    { text: 'oo', found: true },
    { text: 'n', found: false },
  ])
  assert.deepEqual(snippet('nothing', []), [{ text: 'nothing', found: false }])
})

test('a long text is cut around what was found first, and never within a character', () => {
  const long = `${'x'.repeat(500)} needle ${'y'.repeat(500)}`
  const pieces = snippet(long, rangesOf(long, ['needle']))
  assert.equal(pieces.find(({ found }) => found)?.text, 'needle')
  assert.equal(pieces[0]?.text, '…')
  assert.equal(pieces.at(-1)?.text, '…')
  assert.ok(pieces.map(({ text }) => text).join('').length < 200)
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }), { maxLength: 3 }),
      (text, terms) => {
        const all = snippet(
          text,
          rangesOf(
            text,
            terms.map((term) => foldText(term)),
          ),
        ).map((piece) => piece.text)
        assert.ok(
          text.includes(
            all
              .filter((piece) => piece !== '…' || text.includes('…'))
              .join('')
              .replace(/^…|…$/g, ''),
          ),
        )
        for (const piece of all) assert.ok((piece as string & { isWellFormed(): boolean }).isWellFormed())
      },
    ),
  )
})
