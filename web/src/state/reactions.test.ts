import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMON_EMOJI, isEmoji, MORE_EMOJI, reactors } from './reactions.ts'

test('everything offered is an emoji that the server takes, and only one emoji is one', () => {
  for (const emoji of [...COMMON_EMOJI, ...MORE_EMOJI]) assert.ok(isEmoji(emoji), emoji)
  for (const text of ['', 'a', '👍👍', '👍 ', '1']) assert.ok(!isEmoji(text), text)
  assert.ok(isEmoji('👨‍👩‍👧'))
})

test('who reacted is told by name, oneself first, and counted where the name is not known', () => {
  const members = [{ userId: 'bob', username: 'Bob', role: 'member' as const, joinedAt: '' }]
  const of = (...userIds: string[]) => reactors({ emoji: '👍', userIds, mine: userIds.includes('me') }, 'me', members)
  assert.equal(of('bob', 'me'), 'You and Bob')
  assert.equal(of('bob'), 'Bob')
  assert.equal(of('me', 'bob', 'x', 'y'), 'You, Bob, and 2 others')
})
