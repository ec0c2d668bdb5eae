import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineEvent } from '@parley/protocol/timeline-event'
import type { TimelineView } from '@parley/sdk/types'
import { eventLines } from './event-lines.ts'
import { rows } from './rows.ts'

const names = { ann: 'Ann', ben: 'Ben', cem: 'Cem', dan: 'Dan', eve: 'Eve', me: 'Me' }
type What = TimelineEvent extends infer E ? (E extends TimelineEvent ? Omit<E, keyof Base> : never) : never
type Base = Pick<TimelineEvent, 'conversationId' | 'rev' | 'id' | 'senderId' | 'createdAt' | 'headSeq' | 'membersRev'>
let rev = 0

function event(senderId: string, what: What, headSeq = 0, createdAt = '2026-05-01T10:00:00.000Z') {
  const base = { conversationId: 'g', rev: ++rev, id: `e${rev}`, senderId, createdAt, headSeq, membersRev: 1 }
  return { ...what, ...base, names } as TimelineView['events'][number]
}

const added = (by: string, ...userIds: string[]) => event(by, { kind: 'members.added', userIds })
const gone = (by: string, ...userIds: string[]) => event(by, { kind: 'members.removed', userIds })
const told = (...events: TimelineView['events'][number][]) =>
  eventLines(events, 'me').map((line) => line.replaceAll(/[\u2068\u2069]/g, ''))

test('each thing that happens has its sentence, and oneself is “you”', () => {
  const role = (by: string, userId: string, to: 'owner' | 'admin' | 'member') =>
    event(by, { kind: 'members.role', userId, role: to })
  assert.deepEqual(
    told(
      event('ann', { kind: 'created', conversationKind: 'group', title: 'G', members: [] }),
      added('me', 'ben'),
      added('ann', 'me'),
      gone('ann', 'ben'),
      gone('ben', 'ben'),
      role('ann', 'me', 'admin'),
      role('me', 'ann', 'member'),
      role('ann', 'ben', 'owner'),
      event('me', { kind: 'renamed', title: 'Tea' }),
      event('ann', { kind: 'described', description: 'x' }),
      event('ann', { kind: 'described', description: '' }),
      event('ann', { kind: 'timer.changed', disappearAfterMs: 7 * 86_400_000 }),
      event('ann', { kind: 'timer.changed', disappearAfterMs: 90_000 }),
      event('ann', { kind: 'timer.changed', disappearAfterMs: null }),
      event('ann', { kind: 'message.pinned', seq: 1, on: true }),
      event('ann', { kind: 'message.pinned', seq: 1, on: false }),
    ),
    [
      'Ann created the group',
      'You added Ben',
      'Ann added you',
      'Ann removed Ben',
      'Ben left',
      'Ann made you an admin',
      'You took the role of admin from Ann',
      'Ann made Ben the owner',
      'You named the group “Tea”',
      'Ann changed the description of the group',
      'Ann removed the description of the group',
      'Ann let new messages disappear after 1 week',
      'Ann let new messages disappear after 90 seconds',
      'Ann let new messages stay',
      'Ann pinned a message',
      'Ann unpinned a message',
    ],
  )
})

test('people who come or go in the same way are told of together, and many are counted', () => {
  const joined = (who: string) => event(who, { kind: 'members.added', userIds: [who], inviteId: 'i' })
  assert.deepEqual(
    told(
      added('ann', 'ben'),
      added('ann', 'cem'),
      added('ann', 'dan', 'eve', 'me'),
      added('ben', 'cem'),
      joined('ben'),
      joined('me'),
      gone('ben', 'ben'),
      gone('cem', 'cem'),
      gone('dan', 'dan'),
    ),
    [
      'Ann added Ben, Cem and 3 others',
      'Ben added Cem',
      'You and Ben joined by an invite link',
      'Ben, Cem and Dan left',
    ],
  )
})

test('lines stand behind the message after which it happened, a row for each day, and nothing of them is to be read', () => {
  const said = (seq: number) =>
    ({
      id: `m${seq}`,
      seq,
      senderId: 'ann',
      sender: 'Ann',
      mine: false,
      text: '',
      status: 'sent',
      createdAt: '2026-05-01T10:00:00.000Z',
    }) as TimelineView['messages'][number]
  const none = { hasOlder: false, loadingOlder: false, hasNewer: false, loadingNewer: false, marks: [], typing: [] }
  const view: TimelineView = {
    conversationId: 'g',
    messages: [said(1), said(2)],
    events: [
      event('ann', { kind: 'created', conversationKind: 'group', title: 'G', members: [] }),
      event('ann', { kind: 'renamed', title: 'A' }, 1),
      event('ann', { kind: 'renamed', title: 'B' }, 2),
      event('ann', { kind: 'renamed', title: 'C' }, 2, '2026-05-03T10:00:00.000Z'),
    ],
    pending: [],
    quotes: new Map(),
    ...none,
  }
  const all = rows(view, { id: 'me', username: 'Me' }, 1)
  assert.deepEqual(
    all.map(({ id, lines }) => lines?.length ?? id),
    [1, 'm1', 1, 'm2', 1, 1],
  )
  assert.deepEqual(
    all.filter(({ firstUnread }) => firstUnread).map(({ id }) => id),
    ['m2'],
  )
  assert.deepEqual(
    all.filter(({ newDay }) => newDay).map(({ lines }) => lines?.length),
    [1, 1],
  )
  assert.deepEqual([all[1]?.first, all[1]?.last], [true, true], 'a run of bubbles ends there')
})

test('who is not known by name is someone, and who has deleted the account is no more', () => {
  const removed = event('ann', { kind: 'members.removed', userIds: ['x', 'y'] })
  assert.deepEqual(eventLines([{ ...removed, names: { ann: 'Ann', y: '' } }], 'me'), [
    '\u2068Ann\u2069 removed someone and \u2068Deleted user\u2069',
  ])
})
