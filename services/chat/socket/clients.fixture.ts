import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import type { PublicUser } from '@parley/protocol/user'
import type { ManagerOptions } from 'socket.io-client'
import { type TestDevice, type Told, testDevice } from '../device.fixture.ts'

/** A Socket.IO client that we did not write, after its `hello`. */
export interface StockClient extends Pick<TestDevice, 'next' | 'told' | 'ask'> {
  /** How many ack packets came, wanted or not. */
  acks(): number
  transport(): Promise<string>
  /** Disconnects as the client's library does; resolves when that has ended well. */
  close(): Promise<void>
}

/** Somebody with a client. */
export interface Talker {
  user: PublicUser
  client: StockClient
}

/** Nothing that these conversations do is too much. */
export const TALKATIVE = {
  sendsPerSecond: 100_000,
  sendBurst: 100_000,
  sendWindow: 64,
  eventsPerSecond: 100_000,
  eventBurst: 100_000,
}

/** What the web client uses. */
export async function stockClient(
  t: TestContext,
  url: string,
  token: string,
  options: Partial<ManagerOptions>,
): Promise<StockClient & { device: TestDevice }> {
  const device = testDevice(t, url, token, options)
  let acks = 0
  device.socket.io.on('packet', ({ type }) => {
    if (type === ACK) acks++
  })
  await device.next('hello')
  return {
    device,
    ask: device.ask,
    next: device.next,
    told: device.told,
    acks: () => acks,
    transport: async () => device.socket.io.engine.transport.name,
    async close() {
      device.close()
      assert.equal(await device.next('disconnect'), 'io client disconnect')
    },
  }
}

/** Of a Socket.IO packet. */
const ACK = 3

/**
 * Both say at least 200 things at once, in many scripts, and go on until `upgraded` and 50 things more; then one leaves. Everything must be
 * answered once, heard once, in order and unchanged, and told as delivered.
 */
export async function converse(ann: Talker, bob: Talker, upgraded: Promise<void> = Promise.resolve()): Promise<void> {
  const [annSaid, bobSaid] = await Promise.all([say(ann, bob, upgraded), say(bob, ann, upgraded)])
  await Promise.all([hears(ann, bob, bobSaid), hears(bob, ann, annSaid)])
  const seqs = [...annSaid, ...bobSaid].map(({ reply }) => reply.seq).sort((a, b) => a - b)
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  )
  await Promise.all([
    delivers(ann, bob, annSaid[0]!.reply.conversationId, seqs.length),
    delivers(bob, ann, annSaid[0]!.reply.conversationId, seqs.length),
  ])
  await leaves(ann, bob)
}

interface Said {
  id: string
  text: string
  reply: Told
}

async function say(from: Talker, to: Talker, upgraded: Promise<void>): Promise<Said[]> {
  const said: Said[] = []
  const underWay = new Set<Promise<void>>()
  let enough = Number.POSITIVE_INFINITY
  void upgraded.then(() => {
    enough = Math.max(AT_LEAST, said.length + AND_THEN)
  })
  while (said.length < Math.min(enough, AT_MOST)) {
    const one: Said = {
      id: randomUUID(),
      text: `${TEXTS[said.length % TEXTS.length]} ${said.length}`.slice(-LIMITS.textCodePoints),
      reply: undefined,
    }
    said.push(one)
    const sending = from.client
      .ask('message.send', { id: one.id, receiverId: to.user.id, text: one.text })
      .then((ack) => {
        assert.equal(ack.ok, true, JSON.stringify(ack))
        one.reply = ack.data
        underWay.delete(sending)
      })
    underWay.add(sending)
    if (underWay.size >= TALKATIVE.sendWindow) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  for (const { id, reply } of said) assert.equal(reply.id, id)
  const seqs = said.map(({ reply }) => reply.seq)
  assert.deepEqual(
    seqs,
    [...seqs].sort((a, b) => a - b),
  )
  assert.equal(from.client.acks(), said.length)
  return said
}

/** The listener marks some as delivered while it hears the rest. */
async function hears(listener: Talker, speaker: Talker, said: Said[]): Promise<void> {
  const marks: Promise<Told>[] = []
  for (const [index, { id, text, reply }] of said.entries()) {
    const message = await listener.client.next('message.new')
    const { seq, rev, createdAt, conversationId } = message
    assert.deepEqual(
      { id: message.id, text: message.text, sender: message.sender },
      { id, text, sender: speaker.user.username },
    )
    assert.deepEqual({ id, seq, rev, createdAt, conversationId }, reply)
    if (index % 20 === 0) marks.push(listener.client.ask('receipt.delivered', { conversationId, upToSeq: seq }))
  }
  for (const mark of await Promise.all(marks)) assert.equal(mark.ok, true)
}

async function delivers(listener: Talker, speaker: Talker, conversationId: string, upToSeq: number): Promise<void> {
  const { data } = await listener.client.ask('receipt.delivered', { conversationId, upToSeq })
  assert.equal(data.deliveredSeq, upToSeq)
  for (;;) {
    const mark = await speaker.client.next('receipt.updated')
    assert.equal(mark.userId, listener.user.id)
    if (mark.deliveredSeq === upToSeq) break
  }
}

/** After its last word nothing more has come than what was heard, and those who watch it are told that it is gone. */
async function leaves(who: Talker, watcher: Talker): Promise<void> {
  const subscribed = await watcher.client.ask('presence.subscribe', { userIds: [who.user.id] })
  assert.deepEqual(subscribed.data.items, [{ userId: who.user.id, online: true }])
  await who.client.ask('typing.stop', {})
  for (const { client } of [who, watcher])
    assert.deepEqual(
      client.told().filter(({ event }) => event === 'message.new'),
      [],
    )
  await who.client.close()
  while ((await watcher.client.next('presence.changed')).online);
}

const AT_LEAST = 200
const AND_THEN = 50
const AT_MOST = 5_000

const TEXTS = [
  'plain words',
  '漢字とかなカナ',
  '한국어',
  'שלום \u202eעולם\u202c, مرحبا',
  'e\u0301\u0323 नमस्ते ไทย',
  '😀👩‍👩‍👧‍👦🇺🇦',
  '𝒳𐍈𠮷',
  '"quoted" \\back\\slash\\ \\u0041 \\',
  'line\nbreak\r\ntab\t\u2028\u2029\u0085',
  '\u001e\u001d\u0001\u007f\ufeff\ufffd\uffff',
  '42["message.new",{"_placeholder":true,"num":0}]',
  '</script><!--',
  'é'.repeat(LIMITS.textCodePoints),
]
