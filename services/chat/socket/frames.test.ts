import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import { ackOf, bytes, scene, send } from '../strangers.fixture.ts'
import { bareDevice, bareSocket, CLOSE, CONTINUATION, frame, PING, TEXT } from './frames.fixture.ts'

/** More than 60 pings in one piece cost the socket. */
const PING_EVERY = 5
test('frames that break WebSocket close their socket and no other, before sign-in and after', async (t) => {
  const { url, stranger, othersGoOn } = await scene(t)
  const broken: Record<string, [codes: number[], ...parts: Buffer[]]> = {
    RSV1: [[1002], frame('3', { reserved: 4 })],
    RSV2: [[1002], frame('3', { reserved: 2 })],
    RSV3: [[1002], frame('3', { reserved: 1 })],
    'no mask': [[1002], frame('3', { masked: false })],
    'a length of 2^63': [[1002, 1009], frame('', { claims: 2n ** 63n })],
    'a length of 2^64 - 1': [[1002, 1009], frame('', { claims: 2n ** 64n - 1n })],
    'a length of 2^53': [[1009], frame('', { claims: 2n ** 53n })],
    'a length above the limit': [[1009], frame('', { claims: BigInt(LIMITS.frameBytes + 1) })],
    'fragments above the limit': [
      [1009],
      frame('x'.repeat(40_000), { final: false }),
      frame('', { opcode: CONTINUATION, claims: 40_000n }),
    ],
    'a continuation of nothing': [[1002], frame('3', { opcode: CONTINUATION })],
    'a text amid fragments': [[1002], frame('4', { final: false }), frame('3')],
    'a fragmented ping': [[1002], frame('', { opcode: PING, final: false })],
    'a long ping': [[1002], frame('x'.repeat(126), { opcode: PING })],
    'a close of one byte': [[1002], frame('x', { opcode: CLOSE })],
    'a close with a code that is none': [[1002], frame(bytes(0x03, 0xed), { opcode: CLOSE })],
    'a close with a reason that is no UTF-8': [[1007], frame(bytes(0x03, 0xe8, 0xff), { opcode: CLOSE })],
    'UTF-8: a byte that is none': [[1007], frame(bytes(0x34, 0x32, 0xff))],
    'UTF-8: too long a form': [[1007], frame(bytes(0x34, 0x32, 0xc0, 0xaf))],
    'UTF-8: a surrogate': [[1007], frame(bytes(0x34, 0x32, 0xed, 0xa0, 0x80))],
    'UTF-8: above U+10FFFF': [[1007], frame(bytes(0x34, 0x32, 0xf4, 0x90, 0x80, 0x80))],
    'UTF-8: an end too soon': [[1007], frame(bytes(0x34, 0x32, 0xf0, 0x9f, 0x98))],
    ...Object.fromEntries(
      [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, [[1002], frame('3', { opcode })]]),
    ),
  }
  for (const [name, [codes, ...parts]] of Object.entries(broken)) {
    for (const open of [stranger, () => bareSocket(url)]) {
      using bare = await open()
      bare.write(...parts)
      const code = await bare.closed()
      assert.ok(codes.includes(code), `${name}: ${code}`)
    }
    await othersGoOn(name)
  }
})

test('a message in fragments of one byte, with pings in between, is a message', async (t) => {
  const { ann, anns, stranger, othersGoOn } = await scene(t)
  using bare = await stranger()
  const text = 'in pieces: é漢😀\u2028'
  const message = Buffer.from(send(ann.id, text))
  const parts = [...message].flatMap((byte, index) => {
    const part = frame(bytes(byte), { opcode: index === 0 ? TEXT : CONTINUATION, final: index === message.length - 1 })
    return index % PING_EVERY === 0 ? [part, frame('', { opcode: PING })] : [part]
  })
  for (const part of parts) bare.write(part)
  assert.equal((await ackOf(bare, 1)).ok, true)
  assert.equal((await anns.next('message.new')).text, text)
  bare.write(frame(send(ann.id, 'and whole', 2)))
  assert.equal((await ackOf(bare, 2)).ok, true)
  assert.equal((await anns.next('message.new')).text, 'and whole')
  assert.equal(bare.pongs(), Math.ceil(message.length / PING_EVERY))
  await othersGoOn('fragments')
})

test('a message whose bytes come one by one is a message', async (t) => {
  const { ann, anns, stranger } = await scene(t)
  using bare = await stranger()
  for (const byte of frame(send(ann.id, 'slowly 😀'))) bare.write(bytes(byte))
  assert.equal((await ackOf(bare, 1)).ok, true)
  assert.equal((await anns.next('message.new')).text, 'slowly 😀')
})

test('half a frame held open holds up nobody, not even what its own socket is told', async (t) => {
  const { ann, anns, chat, url, othersGoOn } = await scene(t)
  const eve = chat.users.add('eve')
  using bare = await bareDevice(url, chat.users.token(eve))
  const whole = frame(send(ann.id, 'the other half'))
  bare.write(whole.subarray(0, 40))
  await othersGoOn('half a frame')
  await anns.ask('message.send', { id: randomUUID(), receiverId: eve.id, text: 'are you there?' })
  assert.match(await bare.text('42["message.new"'), /are you there\?/)
  bare.write(whole.subarray(40))
  assert.equal((await ackOf(bare, 1)).ok, true)
  assert.equal((await anns.next('message.new')).text, 'the other half')
})

test('a frame that is cut off, at any byte, is no message', async (t) => {
  const { ann, stranger, othersGoOn } = await scene(t)
  const whole = frame(send(ann.id, 'never whole'))
  for (const length of [1, 2, 3, 5, 8, 9, 20, whole.length - 1]) {
    using bare = await stranger()
    bare.write(whole.subarray(0, length))
    bare[Symbol.dispose]()
    await othersGoOn(`cut at ${length}`)
  }
})
