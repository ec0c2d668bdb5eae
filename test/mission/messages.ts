import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { ConversationItem } from '@parley/protocol/conversation'
import type { Problem } from '@parley/protocol/fault'
import type { SendReply } from '@parley/protocol/socket'
import { newPerson, type Person } from '../person.ts'
import type { System } from './system.ts'

type Sent = SendReply & { status: string; message: string }
interface Got {
  conversation: { sender: string; message: string; id: string; seq: number; senderId: string; createdAt: string }[]
  prevCursor?: string
  nextCursor?: string
}

const send = (from: Person, receiverId: string, message: string, more: object = {}) =>
  from.post<Sent>('/api/messages/send', { receiverId, message, ...more })
const read = (who: Person, receiverId: string, query = '') =>
  who.get<Got>(`/api/messages/get/${receiverId}${query && `?${query}`}`)

export function messages({ url, partition }: System): void {
  const people = (...names: string[]) => Promise.all(names.map((name) => newPerson(url(), name)))

  test('a message is sent to a user and read by both, the oldest first', async () => {
    const [john, jane] = (await people('john', 'jane')) as [Person, Person]
    assert.deepEqual((await read(john, jane.id)).body, { conversation: [] })
    const first = await send(john, jane.id, 'Hello there!')
    assert.equal(first.status, 201)
    const { id, seq, rev, createdAt, conversationId } = first.body
    assert.deepEqual(first.body, {
      status: 'success',
      message: 'Message sent successfully',
      ...{ id, seq, rev, createdAt, conversationId },
    })
    assert.equal(seq, 1)
    await send(jane, john.id, 'Hey!')
    for (const [reader, other] of [
      [john, jane],
      [jane, john],
    ] as const) {
      const { status, body } = await read(reader, other.id)
      assert.equal(status, 200)
      assert.deepEqual(
        body.conversation.map(({ sender, message, seq, senderId }) => ({ sender, message, seq, senderId })),
        [
          { sender: john.name, message: 'Hello there!', seq: 1, senderId: john.id },
          { sender: jane.name, message: 'Hey!', seq: 2, senderId: jane.id },
        ],
      )
      assert.deepEqual([body.conversation[0]!.id, body.conversation[0]!.createdAt], [id, createdAt])
      assert.deepEqual(Object.keys(body), ['conversation'])
    }
  })

  test('a long conversation is read page by page towards its start, without a gap and without a repeat', async () => {
    const [john, jane] = (await people('john', 'jane')) as [Person, Person]
    const texts = Array.from({ length: 8 }, (_, i) => `message ${i + 1}`)
    for (const text of texts) await send(john, jane.id, text)
    const pages: string[][] = []
    let before = ''
    do {
      const { status, body } = await read(jane, john.id, `limit=3${before && `&before=${encodeURIComponent(before)}`}`)
      assert.equal(status, 200)
      pages.unshift(body.conversation.map(({ message }) => message))
      before = body.prevCursor ?? ''
    } while (before)
    assert.deepEqual(pages, [texts.slice(0, 2), texts.slice(2, 5), texts.slice(5)])
  })

  test('a group is written to and read by its id as the receiver', async () => {
    const [john, jane, eve] = (await people('john', 'jane', 'eve')) as [Person, Person, Person]
    const group = await john.post<ConversationItem>('/api/conversations', { title: 'Weekend', memberIds: [jane.id] })
    assert.equal(group.status, 201)
    assert.equal((await send(jane, group.body.id, 'Who brings the cake?')).status, 201)
    assert.deepEqual(
      (await read(john, group.body.id)).body.conversation.map(({ sender, message }) => ({ sender, message })),
      [{ sender: jane.name, message: 'Who brings the cake?' }],
    )
    assert.equal((await send(eve, group.body.id, 'me')).status, 404)
    assert.equal((await read(eve, group.body.id)).status, 404)
  })

  test('a group is created once for one Idempotency-Key, however often and at once it is asked for', async () => {
    const [john, jane] = (await people('john', 'jane')) as [Person, Person]
    const headers = { 'idempotency-key': randomUUID() }
    const create = <T>(title: string) =>
      john.post<T>('/api/conversations', { title, memberIds: [jane.id] }, { headers })
    const made = await Promise.all([1, 2, 3, 4].map(() => create<ConversationItem>('Weekend')))
    assert.deepEqual(
      made.map(({ status }) => status),
      [201, 201, 201, 201],
    )
    for (const { body } of made) assert.deepEqual(body, made[0]!.body)
    const other = await create<Problem>('Weekday')
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.mismatch'])
    const list = await john.get<{ items: ConversationItem[] }>('/api/conversations')
    assert.deepEqual(
      list.body.items.map(({ id, title }) => [id, title]),
      [[made[0]!.body.id, 'Weekend']],
    )
  })

  test('one message sent many times over HTTP and sockets at once is one message with one reply', async () => {
    const [john, jane] = (await people('john', 'jane')) as [Person, Person]
    const id = randomUUID()
    using here = await john.connect({ partition: partition(0) })
    using there = await john.connect({ partition: partition(1) })
    using janes = await jane.connect({ partition: partition(1) })
    const replies = await Promise.all(
      [1, 2, 3].flatMap(() => [
        send(john, jane.id, 'once', { id }).then(({ body: { status: _, message: __, ...reply } }) => reply),
        here.get<SendReply>('message.send', { id, receiverId: jane.id, text: 'once' }),
        there.get<SendReply>('message.send', { id, receiverId: jane.id, text: 'once' }),
      ]),
    )
    for (const reply of replies) assert.deepEqual(reply, replies[0])
    assert.deepEqual([replies[0]!.id, replies[0]!.seq], [id, 1])
    assert.deepEqual(
      (await read(jane, john.id)).body.conversation.map(({ id }) => id),
      [id],
    )
    assert.equal((await janes.next('message.new')).id, id)

    const other = await john.post<Problem>('/api/messages/send', { id, receiverId: jane.id, message: 'twice' })
    assert.deepEqual([other.status, other.body.code], [409, 'message.id_conflict'])
    await send(john, jane.id, 'after')
    const { text, seq } = await janes.next('message.new')
    assert.deepEqual([text, seq], ['after', 2], 'and nothing came twice')
  })

  test('who sent it, when, and its place are the server’s to say', async () => {
    const [john, jane] = (await people('john', 'jane')) as [Person, Person]
    const forged = { senderId: jane.id, sender: jane.name, seq: 99, createdAt: '2001-01-01T00:00:00.000Z', rev: 99 }
    const { body } = await send(john, jane.id, 'mine', forged)
    assert.equal(body.seq, 1)
    const [item] = (await read(jane, john.id)).body.conversation
    assert.deepEqual([item!.senderId, item!.sender, item!.seq], [john.id, john.name, 1])
    assert.ok(Math.abs(Date.parse(item!.createdAt) - Date.now()) < 60_000)
  })
}
