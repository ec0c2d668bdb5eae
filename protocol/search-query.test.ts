import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldText, hasAll, rangesOf } from './fold.ts'
import { formatSearch, parseSearch, QUERY_CODE_POINTS, QUERY_TERMS } from './search-query.ts'

const typed = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom('from:', 'in:', 'before:', 'after:', 'has:', 'has:link', '"', ' ', '  ', 'FROM:', ':'),
        fc.constantFrom('2026-02-30', '2026-02-28', '2026-01-01T00:00:00Z', 'ann', 'in', 'é', '日本', '\u3000'),
        fc.string({ unit: 'grapheme', maxLength: 5 }),
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
)

test('whatever is typed is taken apart into a bounded query, and what is written out of it into the same one', () => {
  fc.assert(
    fc.property(typed, (text) => {
      const query = parseSearch(text)
      const { terms, from, in: within } = query
      assert.ok(terms.length + from.length + within.length <= QUERY_TERMS)
      assert.ok([...terms, ...from, ...within].every((value) => value.trim() !== ''))
      const written = formatSearch(query)
      // Quotes may make it longer than what may be typed.
      if ([...written].length <= QUERY_CODE_POINTS) assert.deepEqual(parseSearch(written), query)
    }),
    { numRuns: 2_000 },
  )
})

test('words, phrases and operators are told apart', () => {
  assert.deepEqual(parseSearch('Lunch "next week" from:ann In:"The team" before:2026-03-01 has:LINK'), {
    terms: ['Lunch', 'next week'],
    from: ['ann'],
    in: ['The team'],
    before: '2026-03-01',
    has: ['link'],
  })
  assert.deepEqual(parseSearch('before:2026-02-30 after:soon has:fun note:x "from:ann" "open end').terms, [
    'before:2026-02-30',
    'after:soon',
    'has:fun',
    'note:x',
    'from:ann',
    'open end',
  ])
  assert.deepEqual(parseSearch(' "" from:"" \n').terms, [])
  assert.equal(parseSearch('after:2026-11-01T10:00:00+01:00').after, '2026-11-01T10:00:00+01:00')
  assert.equal(parseSearch('x '.repeat(100)).terms.length, QUERY_TERMS)
})

test('case, accents, width and the way characters are composed make no difference', () => {
  for (const [text, term] of [
    ['Straße', 'STRASSE'],
    ['Café au lait', 'cafe'],
    ['cafe\u0301', 'CAFÉ'],
    ['ΟΔΟΣ', 'οδος'],
    ['İstanbul', 'istanbul'],
    ['ISTANBUL', 'ıstanbul'],
    ['ｆｕｌｌ ｗｉｄｔｈ', 'Full Width'],
    ['ﬁne', 'fine'],
    ['مُحَمَّد', 'محمد'],
    ['أحمد', 'احمد'],
    ['مـــرحبا', 'مرحبا'],
    ['می\u200cخواهم', 'میخواهم'],
    ['שָׁלוֹם', 'שלום'],
    ['Ёлка', 'елка'],
    ['한국어', '한국어'.normalize('NFD')],
    ['ﾊﾞｽ', 'バス'],
    ['日本語を勉強する', '勉強'],
    ['tabs\tand\n lines', 'tabs and lines'],
    ['ZÜRICH', 'zu\u0308rich'],
    ['👍🏽 ok', '👍🏽'],
  ] as const)
    assert.ok(foldText(text).includes(foldText(term)), `${text} has ${term}`)
  assert.ok(!foldText('か').includes(foldText('が')), 'the marks of kana make another letter')
  assert.ok(!foldText('कि').includes(foldText('कु')), 'vowel signs are letters')
})

const text = fc.string({ unit: 'grapheme', maxLength: 40 })

test('a fold of a fold is the same, however the text was composed, and a part of it is found in it', () => {
  fc.assert(
    fc.property(text, text, text, (before, part, after) => {
      const folded = foldText(part)
      assert.equal(foldText(folded), folded)
      assert.equal(foldText(part.normalize('NFD')), foldText(part.normalize('NFC')))
      // Beside it a blank, which no mark or part of a syllable goes across.
      assert.ok(foldText(`${before} ${part} ${after}`).includes(folded.trim()))
    }),
    { numRuns: 2_000 },
  )
})

test('what compatibility makes of a character joins neither the blanks nor the letters beside it', () => {
  for (const [whole, folded] of [
    [' \u00b4', ' \u00b4'],
    ['\ufc5e ', '\ufc5e '],
    ['a \u1fed', 'a \u00a8'],
    ['\u3137\uffc2', '\ub2e4'],
    ['\u3260\uffc2', '\uac00'],
    ['\uac00\u3133', '\uac03'],
    ['\u{16d67}\u{16d67}', '\u{16d68}'],
  ] as const) {
    assert.equal(foldText(whole), folded)
    assert.equal(foldText(folded), folded)
    assert.equal(foldText(whole.normalize('NFD')), foldText(whole.normalize('NFC')))
  }
})

test('what is marked in a text is, as it was written, what was looked for', () => {
  assert.deepEqual(rangesOf('Große GROSSE grosse', ['ss']), [
    [3, 4],
    [9, 11],
    [16, 18],
  ])
  assert.deepEqual(rangesOf('👍 cafe\u0301, Café', ['cafe']), [
    [3, 8],
    [10, 14],
  ])
  assert.deepEqual(rangesOf('banana', ['ana', 'nan']), [[1, 5]])
  assert.equal(rangesOf('a '.repeat(500), ['a']).length, 100)
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 3 }), (whole, parts) => {
      const terms = parts.map((part) => foldText(part).trim()).filter((term) => term !== '')
      const ranges = rangesOf(whole, terms)
      let last = -1
      for (const [start, end] of ranges) {
        assert.ok(start > last && end > start && end <= whole.length, 'ascending, apart and within the text')
        last = end
      }
      if (terms.length > 0 && hasAll(foldText(whole), terms)) assert.ok(ranges.length > 0)
      for (const term of terms)
        if (foldText(whole).includes(term))
          assert.ok(
            ranges.some(([start, end]) => foldText(whole.slice(start, end)).includes(term)),
            'every term is marked somewhere',
          )
    }),
    { numRuns: 2_000 },
  )
})
