import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldName } from './fold-name.ts'
import { mentionsIn } from './mentions.ts'

const roll = (...names: string[]) => {
  const known = new Map(names.map((name) => [foldName(name), name]))
  return (name: string): string | undefined => known.get(name)
}
const named = (text: string, ...names: string[]): string[] => mentionsIn(text, roll(...names)).map(({ id }) => id)

test('a name is the longest that anybody has, up to the end of the word', () => {
  assert.deepEqual(named('hi @ann, @bob! (@cem) "@ann"', 'ann', 'bob', 'cem'), ['ann', 'bob', 'cem', 'ann'])
  assert.deepEqual(named('@ann.lee @ann. @ann... @ann-', 'ann', 'ann.lee', 'ann.'), ['ann.lee', 'ann.', 'ann.', 'ann'])
  assert.deepEqual(named('@anna @ann-marie @ann_x', 'ann'), [], 'part of a longer name is nobody')
  assert.deepEqual(named('@ann’s @ann:', 'ann'), ['ann', 'ann'])
  assert.deepEqual(named('@ @. @@ann @ann@', 'ann'), [], 'what has another @ beside it is an address')
})

test('case, width and how accents are composed do not matter', () => {
  assert.deepEqual(named('@ANN @Ａnn @Strasse @rene\u0301 @ΟΔΟΣ', 'ann', 'straße', 'rené', 'οδος'), [
    'ann',
    'ann',
    'straße',
    'rené',
    'οδος',
  ])
})

test('in scripts without spaces a name ends where it ends', () => {
  assert.deepEqual(named('@小明你好 @小明, @小明明', '小明'), ['小明', '小明', '小明'])
  assert.deepEqual(named('@小明明', '小明', '小明明'), ['小明明'])
  assert.deepEqual(named('@annさん @민수가 @สมชายครับ', 'ann', '민수', 'สมชาย'), ['ann', '민수', 'สมชาย'])
})

test('nobody is named within a word, an address or a link', () => {
  for (const text of [
    'me@ann',
    'me.@ann',
    'me+x@ann',
    'https://x.org/@ann',
    'x?a=@ann',
    '-@ann',
    '%40@ann',
    'é@ann',
    '😀a@ann',
  ])
    assert.deepEqual(named(text, 'ann'), [], text)
  assert.deepEqual(named('mail ann@bob.org or @ann@host.org', 'ann', 'bob', 'bob.org'), [])
  assert.deepEqual(named('😀@ann', 'ann'), ['ann'])
})

test('what is found is in the text, in order, and named there', () => {
  const part = fc.constantFrom('@', '@ann', 'ann', '@小明', ' ', '.', '😀', '\ud800', 'é', '@bob', '-', 'x', '\n')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const text = parts.join('')
      let end = 0
      for (const { from, to, id } of mentionsIn(text, roll('ann', 'bob', '小明'))) {
        assert.ok(from >= end)
        assert.equal(text.slice(from, to), `@${id}`)
        end = to
      }
    }),
    { numRuns: 3_000 },
  )
})

test('however often a text says @, it is read in next to no time', () => {
  const idOf = roll('ann')
  for (const part of ['@', '@a', '@ann ', '@小明', '@ｱ', '@ß', '@\u0301']) {
    const text = part.repeat(Math.ceil(10_000 / part.length))
    const long = `@${part.slice(1).repeat(10_000)}`
    for (const hostile of [text, long, `${long} `.repeat(2)]) {
      mentionsIn(hostile, idOf)
      const best = Math.min(
        ...Array.from({ length: 5 }, () => {
          const before = process.threadCpuUsage()
          mentionsIn(hostile, idOf)
          const { user, system } = process.threadCpuUsage(before)
          return (user + system) / 1_000
        }),
      )
      assert.ok(best < 20, `${part}… took ${best.toFixed(1)} ms`)
    }
  }
})
