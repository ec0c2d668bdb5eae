import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { connect } from '../device.ts'
import { ask } from '../http.ts'
import { frame, type Odd, rawDevice, rawSocket } from './raw-socket.ts'
import type { Town } from './town.ts'

/** What becomes of Eve's own socket: closed, perhaps with that code; or it goes on and answers. */
type Fate = 'closed' | 'goes on' | number

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const odd = (payload: string | Buffer, how: Odd): Buffer => frame(payload, how)

const PACKETS: [what: string, sent: (string | Buffer)[], fate: Fate][] = [
  ['an event nobody knows', ['42["no.such.event",{}]'], 'goes on'],
  ['an event without a name', ['42[]'], 'closed'],
  ['an event that is a number', ['42[1]'], 'goes on'],
  ['an event that is an object', ['42[{"$ne":null}]'], 'closed'],
  ['the event __proto__', ['42["__proto__",{}]'], 'goes on'],
  ['the event constructor', ['42["constructor",{}]'], 'goes on'],
  ['the event error', ['42["error",{}]'], 'goes on'],
  ['the event connect', ['42["connect"]'], 'closed'],
  ['the event disconnect', ['42["disconnect"]'], 'closed'],
  ['the event disconnecting', ['42["disconnecting","x"]'], 'closed'],
  ['the event connect_error', ['42["connect_error",{}]'], 'closed'],
  ['the event newListener', ['42["newListener",{}]'], 'closed'],
  ['an event without an ack', ['42["message.send",{"id":"x"}]'], 'goes on'],
  ['an event with nothing', ['42["message.send"]', '42["typing.start",null,null,null]'], 'goes on'],
  ['an object in place of the ack', ['42["message.send",{"id":"x"},{"ack":"not a function"}]'], 'goes on'],
  ['an ack never asked for', ['43999[{"ok":true}]', '430[]'], 'goes on'],
  ['an ack with a huge id', [`43${'9'.repeat(400)}[]`], 'goes on'],
  ['an event with a huge ack id', [`42${'9'.repeat(400)}["typing.stop",{}]`], 'goes on'],
  ['JSON that is cut off', ['42["message.send",{"id":"'], 'closed'],
  ['an event that is no list', ['42{"not":"a list"}'], 'closed'],
  ['1,000 deep', [`42["typing.start",${nested(1_000)}]`], 'goes on'],
  ['30,000 deep', [`42["typing.start",${nested(30_000)}]`], 'goes on'],
  ['30,000 deep and cut off', [`42["typing.start",${'['.repeat(30_000)}`], 'closed'],
  ['an unknown kind of packet', ['47["x"]'], 'closed'],
  ['an unknown kind of message', ['8'], 'closed'],
  ['nonsense', ['nonsense'], 'closed'],
  ['nothing', [''], 'closed'],
  ['a packet of 51 attachments', ['4551-["x"]'], 'closed'],
  ['a packet of a billion attachments', ['45999999999-["x"]'], 'closed'],
  ['a packet that waits for its attachment', ['451-["x",{"_placeholder":true,"num":0}]'], 'closed'],
  ['an ack that waits for its attachment', ['461-["x",{"_placeholder":true,"num":0}]'], 'closed'],
  ['bytes', [odd(Buffer.from([1, 2, 3]), { opcode: 2 })], 'closed'],
  ['another namespace', ['40/admin,{}'], 'goes on'],
  ['a thousand namespaces', Array.from({ length: 1_000 }, (_, i) => `40/n${i},{}`), 'goes on'],
  ['an event in another namespace', ['42/admin,["x"]'], 'closed'],
  ['a second sign-in', ['40{"token":"x"}'], 'closed'],
  ['a ping, which is the server’s to send', ['2'], 'closed'],
  ['a pong that nobody waits for', ['3'], 'goes on'],
]

const FRAMES: [what: string, sent: Buffer[], fate: Fate][] = [
  ['a message above 64 KB', [frame(`42["typing.start","${'x'.repeat(65_000)}"]`)], 1009],
  ['a length of nearly 2^63', [odd('x', { claims: 2n ** 63n - 1n })], 1009],
  ['a length of 1 GB', [odd('x', { claims: 1_000_000_000n })], 1009],
  [
    'a message above 64 KB in pieces',
    [
      odd('42["', { fin: false }),
      ...Array.from({ length: 70 }, () => odd('x'.repeat(1_000), { opcode: 0, fin: false })),
    ],
    1009,
  ],
  ['the first reserved bit', [odd('3', { rsv: 4 })], 1002],
  ['the second reserved bit', [odd('3', { rsv: 2 })], 1002],
  ['the third reserved bit', [odd('3', { rsv: 1 })], 1002],
  ['a reserved kind of frame', [odd('3', { opcode: 3 })], 1002],
  ['a frame without a mask', [odd('3', { masked: false })], 1002],
  ['a continuation of nothing', [odd('x', { opcode: 0 })], 1002],
  ['a ping of 126 bytes', [odd('x'.repeat(126), { opcode: 9 })], 1002],
  ['a ping in pieces', [odd('x', { opcode: 9, fin: false })], 1002],
  ['a close of one byte', [odd('x', { opcode: 8 })], 1002],
  ['invalid UTF-8', [odd(Buffer.from([0x34, 0x32, 0xff, 0xfe]), {})], 1007],
  ['a surrogate in UTF-8', [odd(Buffer.from([0x34, 0xed, 0xa0, 0x80]), {})], 1007],
  ['a text within a text', [odd('42["x', { fin: false }), odd('3', {})], 1002],
  ['HTTP in place of a frame', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')], 'closed'],
]

export function sockets(town: () => Town): void {
  async function suffer(what: string, sent: (string | Buffer)[], fate: Fate): Promise<void> {
    const { url, eve, unharmed } = town()
    using raw = await rawDevice(url, eve.token)
    for (const bytes of sent) raw.write(bytes)
    if (fate === 'goes on') {
      raw.write('424242["sync",{}]')
      assert.match(await raw.text('434242['), /"ok":true/, what)
    } else {
      const code = await raw.ended().catch((error) => assert.fail(`${what}: ${error.message}`))
      if (typeof fate === 'number') assert.equal(code, fate, what)
    }
    await unharmed(what)
  }

  test('packets that are none, and events that are none, harm their own socket at most', async () => {
    for (const [what, sent, fate] of PACKETS) await suffer(what, sent, fate)
  })

  test('frames that break the WebSocket protocol close their own socket', async () => {
    for (const [what, sent, fate] of FRAMES) await suffer(what, sent, fate)
  })

  test('who has not signed in can say nothing, and a connection that is cut within a frame is just gone', async () => {
    const { url, eve, unharmed } = town()
    for (const packet of ['42["sync",{}]', '421["message.send",{}]', '430[]', '41', '451-["x"]', '2probe']) {
      using raw = await rawSocket(url)
      await raw.text('0')
      raw.write(packet)
      await raw.ended()
      await unharmed(`${packet} without a sign-in`)
    }
    const raw = await rawDevice(url, eve.token)
    raw.write(frame(`42["message.send",{"id":"${randomUUID()}"`).subarray(0, 20))
    raw[Symbol.dispose]()
    await unharmed('half a frame')
  })

  test('payloads of every wrong shape are refused to whoever waits for the ack', async () => {
    const { ann, eve, unharmed } = town()
    using device = await eve.connect()
    const good = { id: randomUUID(), receiverId: ann.id, text: 'x' }
    const any = [
      undefined,
      null,
      [],
      {},
      0,
      'text',
      [[]],
      { conversationId: { $ne: null }, rev: -1, upToSeq: '1', userIds: 'x', token: {} },
    ]
    const sends = [
      { ...good, id: 'no uuid' },
      { ...good, receiverId: undefined },
      { ...good, conversationId: randomUUID() },
      { ...good, receiverId: { $ne: null } },
      { ...good, text: { $gt: '' } },
      { ...good, text: ['x'] },
      { ...good, text: '' },
      { ...good, text: 'nul \0' },
      { ...good, text: 'x'.repeat(10_001) },
    ]
    const cases = [
      ...sends.map((data) => ['message.send', data] as const),
      ...[
        'message.send',
        'receipt.delivered',
        'receipt.read',
        'typing.start',
        'typing.stop',
        'presence.subscribe',
        'presence.active',
        'session.refresh',
      ].flatMap((event) => any.map((data) => [event, data] as const)),
      ['presence.subscribe', { userIds: Array.from({ length: 501 }, () => randomUUID()) }] as const,
      ['sync', { conversationId: 1 }] as const,
    ]
    for (const [event, data] of cases) {
      const what = `${event} ${JSON.stringify(data)?.slice(0, 80)}`
      const ack = await device.ask(event, data)
      assert.ok(!ack.ok, what)
      assert.deepEqual([ack.error.code, ack.error.status], ['validation.failed', 400], what)
      assert.ok(ack.error.requestId)
    }
    await unharmed('wrong payloads')
  })

  test('a foreign web page gets no socket, by WebSocket or polling, and a token in the address gets none either', async () => {
    const { url, eve, unharmed } = town()
    const origins = [
      'https://evil.example',
      'null',
      'nonsense',
      `${url}.evil.example`,
      'http://127.0.0.1',
      `${url}@evil.example`,
    ]
    for (const origin of origins) {
      await assert.rejects(rawSocket(url, [`Origin: ${origin}`]), /403/, origin)
      const polling = `${url}/socket.io/?EIO=4&transport=polling`
      assert.equal((await ask(polling, 'GET', { headers: { origin } })).status, 403, origin)
      const auth = { token: eve.token }
      await assert.rejects(connect(url, { auth, transports: ['polling'], headers: { origin } }), /xhr/)
      await unharmed(`origin ${origin}`)
    }
    using own = await rawSocket(url, [`Origin: ${url}`])
    await own.text('0')
    for (const name of ['token', 'access_token', 'auth']) {
      await assert.rejects(rawSocket(url, [], `&${name}=${eve.token}`), /403/, name)
      const polling = `${url}/socket.io/?EIO=4&transport=polling&${name}=${eve.token}`
      assert.equal((await ask(polling, 'GET')).status, 403, name)
    }
    await unharmed('tokens in the address')
  })

  test('connections that are not one’s own, or none, are refused', async () => {
    const { url, unharmed } = town()
    const base = `${url}/socket.io/?EIO=4`
    for (const query of [
      '&transport=polling&sid=nobody',
      '&transport=none',
      '&transport[]=polling',
      '&transport=__proto__',
    ])
      assert.equal((await ask(base + query, 'GET')).status, 400, query)
    assert.equal((await ask(`${url}/socket.io/?EIO=3&transport=polling`, 'GET')).status, 400)
    const opened = await ask<string>(`${base}&transport=polling`, 'GET')
    const { sid } = JSON.parse(opened.body.slice(1)) as { sid: string }
    const post = (body: string) => ask(`${base}&transport=polling&sid=${sid}`, 'POST', { body })
    assert.equal((await post('x'.repeat(200_000))).status, 413)
    await unharmed('foreign connections')
  })
}
