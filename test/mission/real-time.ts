import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { until } from '@parley/infra/until'
import type { ConversationItem, LogPage, SyncPage } from '@parley/protocol/conversation'
import type { PresenceItem, SendReply } from '@parley/protocol/socket'
import type { Device, Transport } from '../device.ts'
import { newPerson, type Person } from '../person.ts'
import type { System } from './system.ts'

/** Two people, each on a chat node of their own where there are two. */
interface Pair extends Disposable {
  john: Person
  jane: Person
  johns: Device
  janes: Device
  say(text: string): Promise<SendReply>
}

export function realTime({ url, partition }: System, transport: Transport): void {
  async function pair(): Promise<Pair> {
    const [john, jane] = await Promise.all([newPerson(url(), 'john'), newPerson(url(), 'jane')])
    const johns = await john.connect({ partition: partition(0), transports: [transport] })
    const janes = await jane.connect({ partition: partition(1), transports: [transport] })
    return {
      john,
      jane,
      johns,
      janes,
      say: (text) => johns.get('message.send', { id: randomUUID(), receiverId: jane.id, text }),
      [Symbol.dispose]() {
        johns[Symbol.dispose]()
        janes[Symbol.dispose]()
      },
    }
  }

  test(`a message is acknowledged to its sender and arrives at the other and at one’s other devices (${transport})`, async () => {
    using people = await pair()
    const { john, jane, johns, janes } = people
    using second = await john.connect({ partition: partition(1), transports: [transport] })
    const id = randomUUID()
    const ack = await johns.ask<SendReply>('message.send', { id, receiverId: jane.id, text: 'Hello there!' })
    assert.ok(ack.ok, JSON.stringify(ack))
    const { seq, rev, createdAt, conversationId } = ack.data
    assert.deepEqual(ack, { ok: true, data: { id, seq, rev, createdAt, conversationId } })
    for (const device of [janes, second]) {
      const message = await device.next('message.new')
      const { kind, headSeq, membersRev, ...rest } = message
      assert.deepEqual([kind, headSeq], ['message', 1])
      assert.ok(membersRev >= 0)
      assert.deepEqual(rest, {
        ...{ id, conversationId, seq, rev, createdAt },
        senderId: john.id,
        sender: john.name,
        text: 'Hello there!',
      })
    }
    const back = await janes.get<SendReply>('message.send', { id: randomUUID(), conversationId, text: 'Hey!' })
    assert.equal(back.seq, 2)
    const heard = await johns.next('message.new')
    assert.deepEqual([heard.text, heard.seq, heard.sender], ['Hey!', 2, jane.name])
  })

  test(`delivered and read are told to the sender, and never go back (${transport})`, async () => {
    using people = await pair()
    const { jane, johns, janes, say } = people
    await say('one')
    const { conversationId } = await say('two')
    const mark = (event: 'receipt.delivered' | 'receipt.read', upToSeq: number) =>
      janes.get(event, { conversationId, upToSeq })
    assert.deepEqual(await mark('receipt.delivered', 2), { deliveredSeq: 2, readSeq: 0 })
    const told = { conversationId, userId: jane.id }
    assert.deepEqual(await johns.next('receipt.updated'), { ...told, deliveredSeq: 2, readSeq: 0 })
    assert.deepEqual(await mark('receipt.read', 1), { deliveredSeq: 2, readSeq: 1 })
    assert.deepEqual(await johns.next('receipt.updated'), { ...told, deliveredSeq: 2, readSeq: 1 })
    assert.deepEqual(await mark('receipt.read', 2), { deliveredSeq: 2, readSeq: 2 })
    assert.deepEqual(await johns.next('receipt.updated'), { ...told, deliveredSeq: 2, readSeq: 2 })
    assert.deepEqual(await mark('receipt.delivered', 1), { deliveredSeq: 2, readSeq: 2 })
  })

  test(`typing is told to the other, and its end too (${transport})`, async () => {
    using people = await pair()
    const { john, johns, janes, say } = people
    const { conversationId } = await say('one')
    for (const event of ['typing.start', 'typing.stop'] as const) {
      assert.deepEqual(await johns.get(event, { conversationId }), {})
      assert.deepEqual(await janes.next(event), { conversationId, userId: john.id })
    }
  })

  test(`who shares a conversation sees when the other comes and goes (${transport})`, async () => {
    using people = await pair()
    const { jane, johns, janes, say } = people
    await say('one')
    await janes.next('message.new')
    const stranger = await newPerson(url(), 'eve')
    using eves = await stranger.connect({ transports: [transport] })
    const ask = { userIds: [jane.id] }
    assert.deepEqual(await eves.get('presence.subscribe', ask), { items: [] })
    const { items } = await johns.get<{ items: PresenceItem[] }>('presence.subscribe', ask)
    // A lease is stored a moment after its socket is there: what was asked for and what is told may say the same twice.
    const told = async (online: boolean): Promise<PresenceItem> => {
      for (;;) {
        const item = await johns.next('presence.changed')
        assert.equal(item.userId, jane.id)
        if (item.online === online) return item
      }
    }
    if (!items[0]?.online) await told(true)
    janes.socket.disconnect()
    assert.ok((await told(false)).lastSeenAt)
    using _again = await jane.connect({ partition: partition(1), transports: [transport] })
    await told(true)
  })

  test(`who was away fetches what changed since the cursor, and the log from where it stopped (${transport})`, async () => {
    using people = await pair()
    const { john, jane, janes, say } = people
    const { conversationId, rev: known } = await say('one')
    await janes.next('message.new')
    const first = await pageThat(janes, {}, (page) => page.items.length === 1)
    assert.deepEqual(unreadIn(first), [conversationId, 1, 'one'])
    const still = await janes.get<SyncPage>('sync', { cursor: first.cursor })
    // What was read while its relay was under way may be told once more, and nothing else.
    assert.deepEqual([still.items.filter((item) => !('rev' in item && item.rev === known)), still.more], [[], false])
    janes.socket.disconnect()
    await say('two')
    const { rev } = await say('three')

    using back = await jane.connect({ partition: partition(0), transports: [transport] })
    const page = await pageThat(
      back,
      { cursor: first.cursor },
      ({ items: [item] }) => item !== undefined && 'rev' in item && item.rev === rev,
    )
    assert.deepEqual(unreadIn(page), [conversationId, 3, 'three'])
    const log = await back.get<LogPage>('sync', { conversationId, rev: rev - 2 })
    assert.deepEqual([log.headRev, log.more], [rev, false])
    assert.deepEqual(
      log.items.map((entry) => entry.kind === 'message' && [entry.seq, entry.text, entry.senderId]),
      [
        [2, 'two', john.id],
        [3, 'three', john.id],
      ],
    )
  })
}

/** The relay raises inboxes after the ack: asks until the page is as it must become. */
const pageThat = (device: Device, request: object, good: (page: SyncPage) => boolean): Promise<SyncPage> =>
  until('the sync page', 5_000, async () => {
    const page = await device.get<SyncPage>('sync', request)
    return good(page) && page
  })

function unreadIn({ items }: SyncPage): unknown[] {
  assert.equal(items.length, 1)
  const item = items[0] as ConversationItem
  return [item.id, item.me.unread, item.lastMessage?.text]
}
