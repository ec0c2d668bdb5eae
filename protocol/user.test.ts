import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldName } from './fold-name.ts'
import { Password, Username } from './user.ts'

const accepts = (name: string): boolean => Username.safeParse(name).success

test('names of any script are accepted, in 3 to 32 letters, digits and . _ -', () => {
  for (const name of ['JohnDoe', 'ann', 'a.b_c-1', 'Ωμέγα', 'Иван', 'नमस्ते', '山田太郎', 'x'.repeat(32)])
    assert.equal(accepts(name), true, name)
  for (const name of [
    '',
    'ab',
    'x'.repeat(33),
    'a b',
    ' ann',
    'ann@x',
    'ann\n',
    'a/b',
    '<b>x</b>',
    '...\u0000',
    '👩👩👩',
  ])
    assert.equal(accepts(name), false, JSON.stringify(name))
})

test('a name cannot pass for another by what is not seen or looks alike', () => {
  for (const name of ['ann\uFE0F', 'an\u200Bn', 'ann\u034F', 'ann\u3164', '\u0301ann', '\u0430nn', 'anν', 'ann\u202E'])
    assert.equal(accepts(name), false, JSON.stringify(name))
})

test('names that differ by case, width or composition are the same name', () => {
  for (const [one, other] of [
    ['JohnDoe', 'johndoe'],
    ['JOHNDOE', 'ｊｏｈｎｄｏｅ'],
    ['Zoë', 'Zoe\u0308'],
    ['straße', 'STRASSE'],
    ['ΟΔΟΣ', 'οδος'],
    ['οδοσ', 'οδος'],
    ['ﬁnn', 'FINN'],
  ] as const)
    assert.equal(foldName(one), foldName(other), `${one} ${other}`)
  assert.notEqual(foldName('ann'), foldName('anna'))
})

test('folding a folded name changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      assert.equal(foldName(foldName(name)), foldName(name))
      assert.equal(foldName(name.toUpperCase()), foldName(name))
    }),
  )
})

test('a password is anything of 8 characters to 1 KB', () => {
  for (const password of ['securePass123', '        ', '\0'.repeat(8), 'é'.repeat(512), 'x'.repeat(1024)])
    assert.equal(Password.safeParse(password).success, true)
  for (const password of ['', 'short12', 'x'.repeat(1025), 'é'.repeat(513), 'lone\ud800surrogate', 12345678, null])
    assert.equal(Password.safeParse(password).success, false)
})
