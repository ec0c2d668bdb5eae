import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageEntry } from './conversation.ts'
import { changed, type MessageChange } from './message-change.ts'

const place = { conversationId: 'c', headSeq: 1, membersRev: 1, createdAt: '2026-01-01T00:00:00.000Z' }
const sent: MessageEntry = { ...place, kind: 'message', rev: 2, seq: 1, id: 'm', senderId: 'ann', text: 'one' }

const act = fc.oneof(
  fc.record({ kind: fc.constant('message.edited' as const), text: fc.string({ minLength: 1 }) }),
  fc.record({ kind: fc.constant('message.reacted' as const), emoji: fc.constantFrom('👍', '🎉'), on: fc.boolean() }),
  fc.record({ kind: fc.constant('message.deleted' as const) }),
)
const logs = fc
  .array(fc.tuple(act, fc.constantFrom('ann', 'bob', 'cem')), { maxLength: 12 })
  .map((acts) =>
    acts.map(
      ([each, senderId], n): MessageChange => ({ ...place, ...each, seq: 1, rev: n + 3, id: `e${n}`, senderId }),
    ),
  )

test('a message that was read at any moment ends the same, however many older entries come after it', () => {
  fc.assert(
    fc.property(logs, fc.nat(12), fc.nat(12), (log, read, from) => {
      const end = log.reduce(changed, sent)
      const asRead = log.slice(0, read).reduce(changed, sent)
      assert.deepEqual(log.slice(Math.min(from, read)).reduce(changed, asRead), end)
    }),
  )
})

test('nothing is left of a deleted message, and nobody is twice under one emoji', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const end = log.reduce(changed, sent)
      const gone = log.some(({ kind }) => kind === 'message.deleted')
      assert.equal(end.deleted ?? false, gone)
      if (gone) assert.deepEqual(end, { ...sent, text: '', deleted: true, changedRev: log.at(-1)!.rev })
      for (const { userIds } of end.reactions ?? []) assert.equal(new Set(userIds).size, userIds.length)
    }),
  )
})
