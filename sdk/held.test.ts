import assert from 'node:assert/strict'
import test from 'node:test'
import type { ConversationItem, Entry, MessageEntry } from '@parley/protocol/conversation'
import { UNSET } from '@parley/protocol/settings'
import fc from 'fast-check'
import {
  type Held,
  heldFrom,
  statusOf,
  unreadOf,
  WINDOW,
  withEntry,
  withItem,
  withMarks,
  withoutExpired,
  withWindow,
} from './held.ts'

const NOW = '2026-01-01T00:00:00.000Z'

/** A log of messages, of which some disappear, and of deletions; the first entry makes the conversation. */
function openLog() {
  const entries: ({ kind: 'message'; senderId: string; seq: number } | { kind: 'message.deleted'; seq: number })[] = []
  const senders: string[] = []
  const deleted = new Set<number>()
  const ends = new Map<number, number>()
  let clock = Date.parse(NOW)
  const marks = { deliveredSeq: 0, readSeq: 0 }

  function say(senderId: string, lastsMs?: number): void {
    senders.push(senderId)
    if (lastsMs !== undefined) ends.set(senders.length, clock + lastsMs)
    entries.push({ kind: 'message', senderId, seq: senders.length })
  }
  function remove(seq: number): void {
    deleted.add(seq)
    entries.push({ kind: 'message.deleted', seq })
  }
  const head = (): number => entries.length + 1

  /** A message is as it was, or as it is `now`, whatever came after it. */
  function entry(rev: number, now: boolean): Entry {
    const what = entries[rev - 2]!
    const headSeq = entries.slice(0, rev - 1).filter(({ kind }) => kind === 'message').length
    const base = { conversationId: 'c', id: `e${rev}`, senderId: 'you', createdAt: NOW, rev, headSeq, membersRev: 1 }
    if (what.kind === 'message.deleted') return { ...base, ...what }
    const end = ends.get(what.seq)
    const expiresAt = end !== undefined && { expiresAt: new Date(end).toISOString() }
    return now ? asNow(what.seq) : { ...base, ...what, ...expiresAt, text: 'text' }
  }
  const isOver = (seq: number): boolean => (ends.get(seq) ?? Number.POSITIVE_INFINITY) <= clock
  function asNow(seq: number): MessageEntry {
    const rev = entries.findIndex((each) => each.kind === 'message' && each.seq === seq) + 2
    const after = entries.findIndex((each) => each.kind === 'message.deleted' && each.seq === seq) + 2
    const message = { ...(entry(rev, false) as MessageEntry) }
    if (after > 1) return { ...message, text: '', deleted: true, changedRev: after }
    return isOver(seq) ? { ...message, text: '', deleted: true } : message
  }

  /** As the server counts: others' messages that are not deleted and have not disappeared. */
  const unreadSeqs = (readSeq: number, headSeq = senders.length): number[] =>
    senders.flatMap((sender, n) =>
      n >= readSeq && n < headSeq && sender !== 'me' && !deleted.has(n + 1) && !isOver(n + 1) ? [n + 1] : [],
    )
  const unread = (readSeq: number, headSeq?: number): number => Math.min(1_000, unreadSeqs(readSeq, headSeq).length)
  function counted(): { unread: number; unreadUntil?: string } {
    const moments = unreadSeqs(marks.readSeq).flatMap((seq) => ends.get(seq) ?? [])
    return {
      unread: unread(marks.readSeq),
      ...(moments.length > 0 && { unreadUntil: new Date(Math.min(...moments)).toISOString() }),
    }
  }
  const item = (): ConversationItem => ({
    id: 'c',
    kind: 'direct',
    title: 'you',
    rev: head(),
    headSeq: senders.length,
    membersRev: 1,
    memberCount: 2,
    members: [
      { userId: 'me', username: 'me', role: 'member' },
      { userId: 'you', username: 'you', role: 'member' },
    ],
    ...(senders.length > 0 && { lastMessage: { ...asNow(senders.length), sender: '' } }),
    me: {
      role: 'member',
      ...marks,
      ...counted(),
      mentions: 0,
      fromSeq: 1,
      fromRev: 1,
      settings: UNSET,
      ownRev: 0,
    },
    marks: [],
  })
  const now = (): number => clock
  const pass = (ms: number): void => {
    clock += ms
  }
  return { senders, marks, say, remove, head, entry, asNow, unread, counted, item, now, pass }
}

const share = fc.double({ min: 0, max: 1, noNaN: true })
const step = fc.oneof(
  fc.record({
    kind: fc.constant('grow' as const),
    by: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 150 })),
    mine: fc.boolean(),
    lastsMs: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2_000 }) }),
  fc.record({ kind: fc.constant('delete' as const), share: fc.oneof(share, fc.constant(1)) }),
  fc.record({ kind: fc.constant('catch up' as const), now: fc.boolean() }),
  fc.record({ kind: fc.constant('forget' as const) }),
  fc.record({ kind: fc.constant('read' as const), share }),
  fc.record({
    kind: fc.constant('item' as const),
    meanwhile: fc.option(share, { nil: undefined }),
    how: fc.constantFrom('now' as const, 'asked' as const, 'came' as const),
  }),
  fc.record({ kind: fc.constant('older' as const), pages: fc.integer({ min: 1, max: 3 }) }),
)

test('unread is never wrong when it is sure, and always right after asking the server', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const log = openLog()
      let held: Held = heldFrom(log.item(), 'me', NOW)
      let onItsWay: ConversationItem | undefined
      const catchUp = (now: boolean): void => {
        for (let rev = held.rev + 1; rev <= log.head(); rev++)
          held = withEntry(held, log.entry(rev, now), 'me', '').held
      }
      for (const one of steps) {
        if (one.kind === 'grow')
          for (let n = 0; n < one.by; n++)
            log.say(one.mine && n % 2 === 0 ? 'me' : 'you', one.lastsMs && one.lastsMs + n)
        if (one.kind === 'pass') log.pass(one.ms)
        if (one.kind === 'delete' && log.senders.length > 0)
          log.remove(Math.max(1, Math.ceil(one.share * log.senders.length)))
        if (one.kind === 'catch up') catchUp(one.now)
        if (one.kind === 'forget') held = { ...heldFrom(log.item(), 'me', NOW), readSeq: held.readSeq }
        if (one.kind === 'read') {
          const readSeq = Math.floor(one.share * held.headSeq)
          log.marks.readSeq = Math.max(log.marks.readSeq, readSeq)
          held = withMarks(held, { userId: 'me', deliveredSeq: readSeq, readSeq }, 'me')
        }
        if (one.kind === 'item') {
          const item = log.item()
          // The server reads the conversation first, and counts then: what is deleted in between it has not counted.
          if (one.meanwhile !== undefined && log.senders.length > 0) {
            log.remove(Math.max(1, Math.ceil(one.meanwhile * log.senders.length)))
            Object.assign(item.me, { unreadUntil: undefined }, log.counted())
          }
          // What was asked for before may come at any time.
          if (one.how === 'asked') onItsWay ??= item
          if (one.how === 'now') held = withItem(held, item, 'me')
          if (one.how === 'came' && onItsWay) {
            held = withItem(held, onItsWay, 'me')
            onItsWay = undefined
          }
        }
        if (one.kind === 'older') {
          const first = Math.max(1, held.firstSeq - 50 * one.pages)
          const messages = Array.from({ length: held.headSeq - first + 1 }, (_, n) => ({
            ...log.asNow(first + n),
            sender: '',
          }))
          held = withWindow(held, messages, 'me')
        }
        assert.ok(held.headSeq - held.firstSeq < WINDOW)
        held = withoutExpired(held, log.now()).held
        const { unread, sure } = unreadOf(held)
        if (sure && held.rev === log.head()) assert.equal(unread, log.unread(held.readSeq))
      }
      catchUp(true)
      held = withItem(held, log.item(), 'me')
      assert.deepEqual(unreadOf(withoutExpired(held, log.now()).held), {
        unread: log.unread(log.marks.readSeq),
        sure: true,
      })
    }),
    { numRuns: 500 },
  )
})

test('a message that is deleted before it is seen counts no more, on a device that has it and on one that must ask', () => {
  const log = openLog()
  for (let n = 0; n < 3; n++) log.say('you')
  const early = heldFrom(log.item(), 'me', NOW)
  const late = withWindow(
    early,
    [1, 2, 3].map((seq) => ({ ...log.asNow(seq), sender: '' })),
    'me',
  )
  log.remove(2)
  const told = (held: Held): Held => withEntry(held, log.entry(log.head(), false), 'me', '').held
  assert.deepEqual(unreadOf(told(late)), { unread: 2, sure: true })
  assert.equal(unreadOf(told(early)).sure, false)
  assert.deepEqual(unreadOf(withItem(told(early), log.item(), 'me')), { unread: 2, sure: true })
})

test('a count that was asked for before a deletion, and comes after it, is not taken for sure', () => {
  const log = openLog()
  for (let n = 0; n < 5; n++) log.say('you')
  let held = heldFrom(log.item(), 'me', NOW)
  log.say('you')
  const onItsWay = log.item()
  log.remove(6)
  for (const rev of [log.head() - 1, log.head()]) held = withEntry(held, log.entry(rev, false), 'me', '').held
  assert.deepEqual(unreadOf(held), { unread: 5, sure: true })
  assert.equal(unreadOf(withItem(held, onItsWay, 'me')).sure, false)
})

test('a device that holds only some of what is unread asks whenever one of it has disappeared', () => {
  const log = openLog()
  for (const lastsMs of [10, 20, 30]) log.say('you', lastsMs)
  let held = heldFrom(log.item(), 'me', NOW)
  for (const left of [3, 2, 1, 0]) {
    assert.deepEqual(unreadOf(held), { unread: left, sure: true })
    log.pass(10)
    held = withoutExpired(held, log.now()).held
    if (left > 0) assert.equal(unreadOf(held).sure, false)
    held = withItem(held, log.item(), 'me')
  }
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
      for (let n = 0; n < 5; n++) log.say('me')
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
