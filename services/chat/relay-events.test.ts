import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageEntry } from '@parley/protocol/conversation'
import fc from 'fast-check'
import { newsIn } from './relay-events.ts'

/** As they are committed: in each conversation in order, of conversations in any. */
const committed = fc
  .array(fc.record({ conversation: fc.nat(6), sender: fc.nat(4) }), { maxLength: 40 })
  .map((all): MessageEntry[] => {
    const seqs = new Map<number, number>()
    return all.map(({ conversation, sender }) => {
      const seq = (seqs.get(conversation) ?? 10 * conversation) + 1
      seqs.set(conversation, seq)
      const [conversationId, senderId] = [`conversation ${conversation}`, `sender ${sender}`]
      const createdAt = '2030-01-01T00:00:00.000Z'
      return {
        kind: 'message',
        id: `${conversationId}/${seq}`,
        conversationId,
        senderId,
        seq,
        rev: seq,
        headSeq: seq,
        membersRev: 1,
        text: '',
        createdAt,
      }
    })
  })

test('whichever events the bus refuses, the others tell of their conversations all there is to tell, and of no other', () => {
  fc.assert(
    fc.property(committed, fc.integer({ min: 1, max: 8 }), (messages, atOnce) => {
      const events = newsIn(messages, atOnce)
      const told = events.flatMap(({ data }) => data.conversations.map(({ conversationId }) => conversationId))
      assert.deepEqual(told, [...new Set(messages.map(({ conversationId }) => conversationId))])
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
      for (const { data } of events) {
        assert.ok(data.conversations.length <= atOnce)
        const ids = data.conversations.map(({ conversationId }) => conversationId)
        const those = messages.filter(({ conversationId }) => ids.includes(conversationId))
        assert.deepEqual(data.senderIds, [...new Set(senders(those, ids))])
        for (const { conversationId, fromSeq, seq } of data.conversations) {
          const own = those.filter((message) => message.conversationId === conversationId)
          assert.deepEqual([fromSeq, seq], [own[0]!.seq, own.at(-1)!.seq])
        }
      }
    }),
    { numRuns: 300 },
  )
})

/** Conversation by conversation. */
const senders = (messages: readonly MessageEntry[], ids: readonly string[]): string[] =>
  ids.flatMap((id) => messages.filter(({ conversationId }) => conversationId === id).map(({ senderId }) => senderId))
