import assert from 'node:assert/strict'
import test from 'node:test'
import type { ConversationItem, MessageEntry } from '@parley/protocol/conversation'
import { UNSET } from '@parley/protocol/settings'
import fc from 'fast-check'
import { type Held, heldFrom, statusOf, unreadOf, WINDOW, withEntry, withItem, withMarks, withWindow } from './held.ts'

const NOW = '2026-01-01T00:00:00.000Z'

/** A log of messages only, with who wrote each; `rev` is `seq` + 1. */
function openLog() {
  const senders: string[] = []
  const marks = { deliveredSeq: 0, readSeq: 0 }
  const entry = (seq: number): MessageEntry => ({
    kind: 'message',
    conversationId: 'c',
    id: `m${seq}`,
    senderId: senders[seq - 1]!,
    createdAt: NOW,
    rev: seq + 1,
    seq,
    headSeq: seq,
    membersRev: 1,
    text: '',
  })
  const unread = (readSeq: number): number =>
    Math.min(1_000, senders.slice(readSeq).filter((sender) => sender !== 'me').length)
  const item = (): ConversationItem => ({
    id: 'c',
    kind: 'direct',
    title: 'you',
    rev: senders.length + 1,
    headSeq: senders.length,
    membersRev: 1,
    memberCount: 2,
    members: [
      { userId: 'me', username: 'me', role: 'member' },
      { userId: 'you', username: 'you', role: 'member' },
    ],
    ...(senders.length > 0 && { lastMessage: { ...entry(senders.length), sender: '' } }),
    me: {
      role: 'member',
      ...marks,
      unread: unread(marks.readSeq),
      mentions: 0,
      fromSeq: 1,
      fromRev: 1,
      settings: UNSET,
      ownRev: 0,
    },
    marks: [],
  })
  return { senders, marks, entry, unread, item }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 150 }), mine: fc.boolean() }),
  fc.record({ kind: fc.constant('catch up' as const) }),
  fc.record({ kind: fc.constant('forget' as const) }),
  fc.record({ kind: fc.constant('read' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('item' as const) }),
  fc.record({ kind: fc.constant('older' as const), pages: fc.integer({ min: 1, max: 3 }) }),
)

test('unread is never wrong when it is sure, and always right after asking the server', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const log = openLog()
      let held: Held = heldFrom(log.item(), 'me', NOW)
      const catchUp = (): void => {
        for (let seq = held.headSeq + 1; seq <= log.senders.length; seq++)
          held = withEntry(held, log.entry(seq), 'me', '').held
      }
      for (const one of steps) {
        if (one.kind === 'grow')
          for (let n = 0; n < one.by; n++) log.senders.push(one.mine && n % 2 === 0 ? 'me' : 'you')
        if (one.kind === 'catch up') catchUp()
        if (one.kind === 'forget') held = { ...heldFrom(log.item(), 'me', NOW), readSeq: held.readSeq }
        if (one.kind === 'read') {
          const readSeq = Math.floor(one.share * held.headSeq)
          log.marks.readSeq = Math.max(log.marks.readSeq, readSeq)
          held = withMarks(held, { userId: 'me', deliveredSeq: readSeq, readSeq }, 'me')
        }
        if (one.kind === 'item') held = withItem(held, log.item(), 'me')
        if (one.kind === 'older') {
          const first = Math.max(1, held.firstSeq - 50 * one.pages)
          const messages = Array.from({ length: held.headSeq - first + 1 }, (_, n) => ({
            ...log.entry(first + n),
            sender: '',
          }))
          held = withWindow(held, messages, 'me')
        }
        assert.ok(held.headSeq - held.firstSeq < WINDOW)
        const { unread, sure } = unreadOf(held)
        const read = held.readSeq
        const here = log.senders.slice(read, held.headSeq).filter((sender) => sender !== 'me').length
        if (sure && held.counted.headSeq <= held.headSeq) assert.equal(unread, Math.min(1_000, here))
      }
      catchUp()
      held = withItem(held, log.item(), 'me')
      assert.deepEqual(unreadOf(held), { unread: log.unread(log.marks.readSeq), sure: true })
    }),
    { numRuns: 200 },
  )
})

test('how far a message got never goes back, whatever order marks come in and whoever joins', () => {
  const mark = fc.record({
    userId: fc.constantFrom('you', 'she'),
    deliveredSeq: fc.nat(5),
    readSeq: fc.nat(5),
  })
  const rank = { sent: 0, delivered: 1, read: 2 }
  fc.assert(
    fc.property(fc.array(mark, { maxLength: 20, size: 'max' }), fc.nat(20), (marks, joinsAt) => {
      const log = openLog()
      log.senders.push('me', 'me', 'me', 'me', 'me')
      let held = heldFrom(log.item(), 'me', NOW)
      const best = [0, 0, 0, 0, 0]
      for (const [n, one] of marks.entries()) {
        if (n === joinsAt) {
          const item = log.item()
          held = withItem(
            held,
            { ...item, members: [...item.members!, { userId: 'she', username: 'she', role: 'member' }] },
            'me',
          )
        }
        held = withMarks(held, one, 'me')
        for (let seq = 1; seq <= 5; seq++) {
          const now = rank[statusOf(held, seq)]
          assert.ok(now >= best[seq - 1]!)
          best[seq - 1] = now
        }
      }
    }),
  )
})
