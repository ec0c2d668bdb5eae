import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineMessage, TimelineView } from '@parley/sdk/types'
import { grewAtStart, lastSeq, rows } from './rows.ts'

const me = { id: 'me', username: 'Ann' }

test('bubbles of one sender within five minutes make a run, and others begin a new one', () => {
  const all = rows(view([said(1, 'bob', 0), said(2, 'bob', 2), said(3, 'me', 3), said(4, 'me', 9)]), me)
  assert.deepEqual(
    all.map((row) => [row.first, row.last]),
    [
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ],
  )
})

test('the line of a day stands above its first message only', () => {
  const all = rows(view([said(1, 'bob', 0), said(2, 'bob', 1), said(3, 'bob', 24 * 60)]), me)
  assert.deepEqual(
    all.map((row) => row.newDay),
    [true, false, true],
  )
})

test('the line of unread messages stands above the first message of somebody else that was not read', () => {
  const timeline = view([said(1, 'bob', 0), said(2, 'me', 1), said(3, 'bob', 2), said(4, 'bob', 3)])
  const marked = (after?: number) => rows(timeline, me, after).filter((row) => row.firstUnread)
  assert.deepEqual(
    marked(1).map((row) => row.seq),
    [3],
  )
  assert.equal(marked(4).length, 0)
  assert.equal(marked().length, 0)
})

test('what waits in the outbox comes last, under the same id as later in the timeline', () => {
  const waiting = view([said(1, 'bob', 0)])
  waiting.pending = [
    { id: 'm-2', to: { conversationId: 'c' }, text: 'hi', order: 1, queuedAt: at(1), status: 'pending' },
  ]
  const [, row] = rows(waiting, me)
  assert.equal(row?.id, 'm-2')
  assert.equal(row?.status, 'pending')
  assert.equal(row?.mine, true)
  assert.equal(row?.seq, undefined)
})

test('what one has seen is the newest stored message on screen, whatever waits below it', () => {
  const timeline = view([said(1, 'bob', 0), said(2, 'bob', 1)])
  timeline.pending = [
    { id: 'p', to: { conversationId: 'c' }, text: 'hi', order: 1, queuedAt: at(2), status: 'pending' },
  ]
  const all = rows(timeline, me)
  assert.equal(lastSeq(all, 3), 2)
  assert.equal(lastSeq(all, 1), 1)
  assert.equal(lastSeq(all, 0), undefined)
})

test('older messages above are told apart from newer ones below', () => {
  const middle = rows(view([said(5, 'bob', 5), said(6, 'bob', 6)]), me)
  const older = rows(view([said(4, 'bob', 4), said(5, 'bob', 5), said(6, 'bob', 6)]), me)
  const newer = rows(view([said(5, 'bob', 5), said(6, 'bob', 6), said(7, 'bob', 7)]), me)
  const elsewhere = rows(view([said(90, 'bob', 90), said(91, 'bob', 91), said(92, 'bob', 92)]), me)
  assert.equal(grewAtStart(middle, older), true)
  assert.equal(grewAtStart(middle, newer), false)
  assert.equal(grewAtStart(middle, middle), false)
  assert.equal(grewAtStart([], older), false)
  assert.equal(grewAtStart(middle, elsewhere), false)
})

type Open<T> = { -readonly [K in keyof T]: T[K] }

function view(messages: TimelineMessage[]): Open<TimelineView> {
  const nothing = {
    events: [],
    pending: [],
    quotes: new Map(),
    hasOlder: false,
    hasNewer: false,
    loadingNewer: false,
    loadingOlder: false,
    marks: [],
    typing: [],
  }
  return { conversationId: 'c', messages, ...nothing }
}

function said(seq: number, senderId: string, minute: number): TimelineMessage {
  const mine = senderId === me.id
  const place = { conversationId: 'c', rev: seq, seq, headSeq: seq, membersRev: 1 }
  return {
    ...place,
    id: `m-${seq}`,
    kind: 'message',
    senderId,
    sender: senderId,
    text: 'x',
    mine,
    namesMe: false,
    status: 'sent',
    createdAt: at(minute),
  }
}

/** So many minutes after nine in the morning, by this machine's calendar. */
function at(minute: number): string {
  return new Date(2026, 2, 10, 9, minute).toISOString()
}
