import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candidates, namingAt, withNames } from './naming.ts'

const names: Record<string, string> = { a: 'ann', b: 'bob' }
const nameOf = (id: string): string | undefined => names[id]

test('names are shown where the server found them, one’s own apart', () => {
  const shown = (text: string, mentions: string[], mentionsAll?: true) =>
    withNames(text, { mentions, mentionsAll }, nameOf, 'a').map(({ text, named }) =>
      named ? `${named}:${text}` : text,
    )
  assert.deepEqual(shown('hi @Ann, @bob @cem', ['a', 'b', 'c']), ['hi ', 'me:@Ann', ', ', 'other:@bob', ' @cem'])
  assert.deepEqual(shown('hi @ann', []), ['hi @ann'], 'what the server did not find is text')
  assert.deepEqual(shown('@all @ann', [], true), ['me:@all', ' @ann'])
})

test('a name is being written from its @ on, and not within a word', () => {
  assert.deepEqual(namingAt('hi @', 4), { from: 3, written: '' })
  assert.deepEqual(namingAt('@小明', 3), { from: 0, written: '小明' })
  assert.deepEqual(namingAt('hi @an and', 6), { from: 3, written: 'an' })
  for (const text of ['me@ho', 'hi', '@ann ', 'x/@a', '@@a']) assert.equal(namingAt(text, text.length), undefined, text)
})

test('those are offered whose user names begin so, then those of whose display names a word does, and everybody to who may', () => {
  const members = ['ann', 'Anna', 'bob', 'andré'].map((username) => ({
    userId: username,
    username,
    role: 'member' as const,
  }))
  const offered = (written: string, role: 'owner' | 'member') =>
    candidates(
      { from: 0, written },
      members,
      { kind: 'group', me: { role } } as Parameters<typeof candidates>[2],
      'ann',
      (userId, username) => (userId === 'bob' ? 'Róbert Anders' : username),
    ).map(({ name, displayName }) => (displayName ? `${name} (${displayName})` : name))
  assert.deepEqual(offered('AN', 'owner'), ['andré', 'Anna', 'bob (Róbert Anders)'])
  assert.deepEqual(offered('rob', 'member'), ['bob (Róbert Anders)'])
  assert.deepEqual(offered('al', 'owner'), ['all'])
  assert.deepEqual(offered('al', 'member'), [])
  assert.deepEqual(offered('', 'member'), ['andré', 'Anna', 'bob (Róbert Anders)'])
})
