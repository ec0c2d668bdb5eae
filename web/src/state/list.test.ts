import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FOR_EVER, type Settings, UNSET } from '@parley/protocol/settings'
import type { ConversationView, OutboxItem, TimelineMessage } from '@parley/sdk/types'
import { announcement, isNews } from './announcement.ts'
import { badge, tabTitle, totalUnread } from './badge.ts'
import { banner } from './banner.ts'
import { directWith, otherOf, watched } from './people.ts'
import { preview } from './preview.ts'
import { rights } from './rights.ts'
import { shelves } from './shelves.ts'
import { titled, titleOf } from './titles.ts'

test('a badge is exact to 999, says 999+ above, and nothing at zero', () => {
  assert.deepEqual([0, 1, 999, 1000, 5000].map(badge), ['', '1', '999', '999+', '999+'])
})

test('the title of the tab counts what all conversations count', () => {
  const list = [
    conversation({ id: 'a', unread: 2 }),
    conversation({ id: 'b', unread: 0 }),
    conversation({ id: 'c', unread: 3 }),
  ]
  assert.equal(totalUnread(list), 5)
  assert.equal(tabTitle(5), '(5) Parley')
  assert.equal(tabTitle(5, 'Bob'), '(5) Bob · Parley')
  assert.equal(tabTitle(0), 'Parley')
})

test('what is muted counts in its own badge only, and is not announced', () => {
  const muted = conversation({ id: 'a', unread: 2, settings: { mutedUntil: FOR_EVER } })
  const over = conversation({ id: 'b', unread: 3, settings: { mutedUntil: '2020-01-01T00:00:00.000Z' } })
  assert.equal(totalUnread([muted, over]), 3)
  const news = (conversationId: string) => message({ conversationId, seq: 9 })
  assert.deepEqual([isNews(news('a'), [muted]), isNews(news('b'), [over])], [false, true])
  assert.equal(isNews(news('c'), [conversation({ id: 'c', settings: { level: 'none' } })]), false)
})

test('what one has begun to write is shown instead of what was said last', () => {
  const lastMessage = message({ text: 'hello' })
  const begun = conversation({ id: 'd', lastMessage, settings: { draft: 'Dear B' } })
  assert.deepEqual(preview(begun, [waiting('d')]), { text: 'Dear B', draft: true, at: lastMessage.createdAt })
  assert.equal(preview(conversation({ id: 'd', lastMessage, settings: { draft: ' ' } }), []).text, 'hello')
})

test('an archived conversation is listed again when a message has come, unless it is muted', () => {
  const list = [
    conversation({ id: 'plain' }),
    conversation({ id: 'away', settings: { archivedSeq: 9 } }),
    conversation({ id: 'back', settings: { archivedSeq: 8 } }),
    conversation({ id: 'muted', settings: { archivedSeq: 8, mutedUntil: FOR_EVER } }),
  ]
  const { listed, archived } = shelves(list, new Date())
  assert.deepEqual(
    [listed.map(({ id }) => id), archived.map(({ id }) => id)],
    [
      ['plain', 'back'],
      ['away', 'muted'],
    ],
  )
})

test('the last message of a group says who wrote it, in a direct chat the ticks do', () => {
  const group = conversation({ id: 'g', kind: 'group', lastMessage: message({ sender: 'Bob', text: 'hello' }) })
  assert.deepEqual(preview(group, []), { text: 'hello', by: 'Bob', at: group.lastMessage?.createdAt })
  const own = conversation({ id: 'g', kind: 'group', lastMessage: message({ mine: true, status: 'read', text: 'hi' }) })
  assert.deepEqual(preview(own, []), { text: 'hi', by: 'You', status: 'read', at: own.lastMessage?.createdAt })
  const direct = conversation({ id: 'd', lastMessage: message({ text: 'hello' }) })
  assert.deepEqual(preview(direct, []), { text: 'hello', at: direct.lastMessage?.createdAt })
})

test('what still waits to be sent is the last message of its conversation, and of no other', () => {
  const direct = conversation({ id: 'd', lastMessage: message({ text: 'hello' }) })
  assert.deepEqual(preview(direct, [waiting('d')]), {
    text: 'later',
    at: '2026-03-10T10:00:00.000Z',
    status: 'pending',
  })
  assert.equal(preview(direct, [waiting('other')]).text, 'hello')
})

test('the banner is silent when all is well and tells what is kept when it is not', () => {
  assert.equal(banner('live', true, 0), undefined)
  assert.match(banner('offline', false, 0)?.text ?? '', /offline.*kept/)
  assert.match(banner('offline', false, 1)?.text ?? '', /1 message is kept/)
  assert.match(banner('offline', false, 3)?.text ?? '', /3 messages are kept/)
  assert.match(banner('syncing', true, 0)?.text ?? '', /Catching up/)
})

test('between two attempts to reconnect the banner says the same as during them', () => {
  assert.match(banner('connecting', true, 2)?.text ?? '', /Reconnecting.*2 messages are kept/)
  assert.deepEqual(banner('offline', true, 2), banner('connecting', true, 2))
})

test('the list watches the other one of each direct chat, once, and nobody of a group', () => {
  const bob = conversation({ id: 'a', others: ['bob'] })
  const group = conversation({ id: 'b', kind: 'group', others: ['eve', 'dan'] })
  const self = conversation({ id: 'c', others: [] })
  assert.equal(otherOf(bob, 'me'), 'bob')
  assert.equal(otherOf(group, 'me'), undefined)
  assert.equal(otherOf(self, 'me'), undefined)
  assert.deepEqual(watched([bob, group, self, { ...bob, id: 'd' }], 'me'), ['bob'])
  assert.deepEqual(watched([{ ...bob, headSeq: 0 }], 'me'), [])
})

test('the menu of a member has what the server would let one do, and there is none of oneself', () => {
  const as = (role: 'owner' | 'admin' | 'member') => rights(conversation({ id: 'g', kind: 'group', role }), 'me')
  const [admin, member] = [
    { userId: 'bob', role: 'admin' as const },
    { userId: 'eve', role: 'member' as const },
  ]
  assert.deepEqual(as('owner').about(admin), { role: 'member', handOver: true, remove: true })
  assert.deepEqual(as('owner').about(member), { role: 'admin', handOver: true, remove: true })
  assert.deepEqual(as('admin').about(member), { handOver: false, remove: true })
  assert.equal(as('admin').about(admin), undefined)
  assert.equal(as('member').about(member), undefined)
  assert.equal(as('owner').about({ userId: 'me', role: 'owner' }), undefined)
  const { change, add, leave, invite } = as('member')
  assert.deepEqual([change, add, leave, invite], [false, true, true, false])
  assert.deepEqual([as('admin').change, as('admin').invite], [true, true])
  assert.equal(rights(conversation({ id: 'd' }), 'me').leave, false)
})

test('a screen reader hears what is new, where it came from, and a number when it is much', () => {
  const list = [conversation({ id: 'd', title: 'Bob' }), conversation({ id: 'g', kind: 'group', title: 'Team' })]
  const here = message({ conversationId: 'd', sender: 'Bob', text: 'hello', seq: 4 })
  const there = message({ conversationId: 'g', sender: 'Eve', text: 'hey', seq: 9 })
  const said = (news: TimelineMessage[], openId?: string) => announcement(news, list, openId, new Map(), 'me')
  assert.equal(said([here], 'd'), 'Bob: hello')
  assert.equal(said([here]), 'New message from Bob')
  assert.equal(said([there], 'd'), 'New message from Eve in Team')
  assert.equal(said([here, here, there, there], 'd'), '4 new messages')
  const people = new Map([['bob', { id: 'bob', username: 'Bob', displayName: 'Robert Smith' }]])
  assert.equal(announcement([here], list, undefined, people, 'me'), 'New message from Robert Smith')
})

test('a direct conversation is called as the other is shown, and found by that name and by the user name', () => {
  const direct = conversation({ id: 'd', title: 'bob', others: ['b'] })
  const gone = conversation({ id: 'x', title: 'eve', others: ['e'] })
  const notes = conversation({ id: 'n', title: 'me', others: [] })
  const group = conversation({ id: 'g', kind: 'group', title: 'Smiths', others: ['b'] })
  const people = new Map([
    ['b', { id: 'b', username: 'bob', displayName: 'Róbert Smith' }],
    ['e', { id: 'e', username: '', deleted: true as const }],
  ])
  const all = [direct, gone, notes, group]
  assert.deepEqual(
    all.map((one) => titleOf(one, people, 'me')),
    ['Róbert Smith', 'Deleted user', 'me', 'Smiths'],
  )
  const found = (...terms: string[]) => titled(all, terms, people, 'me').map(({ id }) => id)
  assert.deepEqual(found('smith'), ['d', 'g'])
  assert.deepEqual(
    [found('bob'), found('robert', 'smi'), found('smith', 'eve'), found('me')],
    [['d'], ['d'], [], ['n']],
  )
  assert.deepEqual(
    ['b', 'me', 'e', 'nobody'].map((id) => directWith(all, id, 'me')?.id),
    ['d', 'n', 'x', undefined],
  )
})

test("one's own messages and what was read before are no news", () => {
  const list = [conversation({ id: 'd', readSeq: 5 })]
  assert.equal(isNews(message({ conversationId: 'd', seq: 6 }), list), true)
  assert.equal(isNews(message({ conversationId: 'd', seq: 5 }), list), false)
  assert.equal(isNews(message({ conversationId: 'd', seq: 6, mine: true }), list), false)
})

function conversation(given: {
  id: string
  kind?: 'direct' | 'group'
  title?: string
  unread?: number
  readSeq?: number
  role?: 'owner' | 'admin' | 'member'
  others?: string[]
  lastMessage?: TimelineMessage
  settings?: Partial<Settings>
}): ConversationView {
  const {
    id,
    kind = 'direct',
    title = 'Bob',
    unread = 0,
    readSeq = 0,
    role = 'member',
    others = ['bob'],
    lastMessage,
    settings = {},
  } = given
  const members = ['me', ...others].map((userId) => ({ userId, username: userId, role: 'member' as const }))
  const me = {
    role,
    deliveredSeq: readSeq,
    readSeq,
    unread,
    mentions: 0,
    fromSeq: 1,
    fromRev: 1,
    settings: { ...UNSET, ...settings },
    ownRev: 0,
  }
  const heads = { rev: 9, headSeq: 9, membersRev: 1, memberCount: members.length, pendingCount: 0 }
  return { id, kind, title, ...heads, members, me, ...(lastMessage && { lastMessage }) }
}

function message(given: Partial<TimelineMessage>): TimelineMessage {
  const place = { conversationId: 'd', rev: 3, seq: 3, headSeq: 3, membersRev: 1, id: 'm' }
  const said = {
    senderId: 'bob',
    sender: 'Bob',
    text: 'x',
    mine: false,
    namesMe: false,
    createdAt: '2026-03-10T09:00:00.000Z',
  }
  return { ...place, ...said, kind: 'message', status: 'sent', ...given }
}

function waiting(conversationId: string): OutboxItem {
  return { id: 'p', to: { conversationId }, text: 'later', order: 1, queuedAt: '2026-03-10T10:00:00.000Z' }
}
