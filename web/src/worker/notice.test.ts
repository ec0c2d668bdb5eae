import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushBody, PushedMessage } from '@parley/protocol/notification'
import { type Before, type Notice, noticeOf, readBody } from './notice.ts'
import { addressOf, placeIn } from './words.ts'

test('a notice says who wrote what, in a group also where and what it is to oneself', () => {
  const direct = { ...message, kind: 'direct', sender: 'bob', text: 'Are you **there**?', because: 'reply' } as const
  assert.deepEqual(texts(noticeOf(direct)), ['bob', 'Are you there?'])
  const group = { ...direct, kind: 'group', title: 'Tea' } as const
  for (const [because, text] of [
    ['message', 'bob: Are you there?'],
    ['mention', 'bob mentioned you: Are you there?'],
    ['mention.all', 'bob mentioned everybody: Are you there?'],
    ['reply', 'bob answered you: Are you there?'],
  ] as const)
    assert.deepEqual(texts(noticeOf({ ...group, because })), ['Tea', text])
  assert.deepEqual(texts(noticeOf({ ...group, because: 'message', count: 3 })), [
    'Tea',
    'bob: Are you there?\nand 2 more',
  ])
})

test('where the operator lets a push say less, the notice says no more, and never nothing', () => {
  assert.deepEqual(texts(noticeOf(message)), ['Parley', 'New message'])
  assert.deepEqual(texts(noticeOf({ ...message, count: 4 })), ['Parley', '4 new messages'])
  const sender = { ...message, sender: 'bob', because: 'mention' } as const
  assert.deepEqual(texts(noticeOf({ ...sender, kind: 'direct' })), ['bob', 'New message'])
  assert.deepEqual(texts(noticeOf({ ...sender, kind: 'group', title: 'Tea', count: 2 })), [
    'Tea',
    'bob mentioned you\nand 1 more',
  ])
  assert.deepEqual(texts(noticeOf({ v: 1, tag: 'test', test: 'x' })), [
    'Test notification',
    'Notifications reach this browser.',
  ])
  for (const json of [undefined, null, 7, 'text', [], {}, { v: 2, tag: 'x' }, { v: 1, tag: 'x', seq: '1' }])
    assert.deepEqual(texts(noticeOf(readBody(json))), ['Parley', 'There may be something new.'])
})

test('what comes by FCM, as texts beside what FCM says of it, is shown exactly as what comes by Web Push', () => {
  const bodies: PushBody[] = [
    message,
    { ...message, kind: 'direct', sender: 'bob', text: 'Are you **there**?', because: 'reply' },
    { ...message, count: 3, kind: 'group', title: 'Tea', sender: '7', text: '42', because: 'mention' },
    { v: 1, tag: 'test', test: 'x' },
  ]
  for (const body of bodies) {
    const data = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)]))
    const fcm = { data, from: '123456789012', priority: 'high', fcmMessageId: '1f2e', collapse_key: 'do_not_collapse' }
    assert.deepEqual(readBody(fcm), body)
  }
  for (const json of [
    { fcmMessageId: '1', from: '2' },
    { fcmMessageId: '1', data: null },
    { fcmMessageId: '1', data: { v: '2', tag: 'x' } },
    { fcmMessageId: '1', data: { v: '1', tag: 'x', conversationId: 'c', seq: 'one', count: '1' } },
    { data: { v: '1', tag: 'test', test: 'x' } },
  ])
    assert.equal(readBody(json), undefined)
})

test('a later notice takes over the earlier and counts on; a copy and what comes late change nothing and are silent', () => {
  const first = noticeOf({ ...message, count: 2 })
  assert.deepEqual([first.options.renotify, first.options.silent], [true, false])
  const second = noticeOf({ ...message, seq: 9, count: 1 }, beside(first))
  assert.deepEqual(
    [second.options.tag, second.options.data],
    [first.options.tag, { conversationId: 'c', seq: 9, count: 3 }],
  )
  assert.equal(second.options.renotify, true)
  for (const seq of [9, 5]) {
    const again = noticeOf({ ...message, seq, count: 1, sender: 'eve' }, beside(second))
    assert.deepEqual([...texts(again), again.options.data], [...texts(second), second.options.data])
    assert.deepEqual([again.options.renotify, again.options.silent], [false, true])
  }
})

test('the address of a notice leads to its message, and nothing else is taken for one', () => {
  const place = { conversationId: '9dfe796c-e672-84b2-b02a-263b22191870', seq: 12 }
  const { pathname, hash } = new URL(addressOf({ ...place, count: 1 }), 'http://localhost')
  assert.deepEqual(placeIn(pathname, hash), place)
  assert.equal(addressOf({ count: 0 }), '/')
  for (const [path, fragment] of [
    [pathname, ''],
    [pathname, '#at=0'],
    [pathname, '#at=1e3'],
    ['/', '#at=1'],
    ['/c/../x', '#at=1'],
  ] as const)
    assert.equal(placeIn(path, fragment), undefined)
})

const message: PushedMessage = { v: 1, tag: 'c', conversationId: 'c', seq: 5, count: 1 }
const texts = ({ title, options }: Notice): string[] => [title, options.body]
const beside = ({ title, options }: Notice): Before => ({ title, body: options.body, data: options.data })
