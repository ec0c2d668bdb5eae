import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LIMITS } from '@parley/protocol/limits'
import { directId } from '../direct.ts'
import { ackOf, bytes, scene, send } from '../strangers.fixture.ts'
import { bareDevice, CONTINUATION, frame, PING, pollingDevice } from './frames.fixture.ts'

test('a flood of empty fragments closes its socket', async (t) => {
  const { stranger, othersGoOn } = await scene(t)
  using bare = await stranger()
  bare.write(frame('', { final: false }), ...Array(50_000).fill(frame('', { opcode: CONTINUATION, final: false })))
  assert.equal(await bare.closed(), 1008)
  await othersGoOn('a flood of fragments')
})

test('ten thousand tiny frames at once are served, or refused and cut off', async (t) => {
  const { ann, anns, stranger, othersGoOn } = await scene(t)
  {
    using bare = await stranger()
    bare.write(...Array(10_000).fill(frame('3')))
    bare.write(frame(send(ann.id, 'after pongs')))
    assert.equal((await ackOf(bare, 1)).ok, true)
  }
  assert.equal((await anns.next('message.new')).text, 'after pongs')
  for (const text of [
    '42["typing.stop",{}]',
    '421["message.send",{}]',
    send(ann.id, 'the same again'),
    '43[]',
    '421',
  ]) {
    using bare = await stranger()
    bare.write(...Array(10_000).fill(frame(text)))
    await bare.caughtUp()
    if (text.includes('again')) await anns.next('message.new')
    await othersGoOn(text)
  }
})

test('pings whose pongs are not read are not kept for ever', async (t) => {
  const { server, stranger, othersGoOn } = await scene(t)
  const accepted = once(server, 'connection') as Promise<[Socket]>
  using bare = await stranger()
  const [socket] = await accepted
  bare.pause()
  const pings = Buffer.concat(Array(8_000).fill(frame('x'.repeat(125), { opcode: PING })))
  for (let sent = 0; sent < 64_000_000 && !socket.destroyed; sent += pings.length) {
    bare.write(pings)
    await pause(0)
    assert.ok(socket.writableLength <= LIMITS.socketBufferBytes, `${socket.writableLength} bytes wait`)
  }
  await othersGoOn('pings')
})

test('acks for a client that polls for none are not kept for ever', async (t) => {
  const { chat, url, ann, anns, othersGoOn } = await scene(t)
  const eve = chat.users.add('eve')
  const text = 'x'.repeat(10_000)
  for (let n = 0; n < 20; n++) await anns.ask('message.send', { id: randomUUID(), receiverId: eve.id, text })
  const eves = await pollingDevice(url, chat.users.token(eve))
  const page = JSON.stringify(['sync', { conversationId: directId(ann.id, eve.id), rev: 0 }])
  for (let asked = 0; asked * 20 * text.length < 2 * LIMITS.socketBufferBytes; asked++)
    await eves.post(`42${asked}${page}`)
  const kept = await eves.poll()
  assert.ok(kept.length < LIMITS.socketBufferBytes, `${kept.length} characters were kept`)
  assert.match(kept, /slow\.consumer/)
  await othersGoOn('acks')
})

test('who polls seldom, and reads all that there is, is not too slow', async (t) => {
  const { chat, url, anns } = await scene(t)
  const eve = chat.users.add('eve')
  const eves = await pollingDevice(url, chat.users.token(eve))
  const text = 'x'.repeat(10_000)
  for (let told = 0; told * text.length < 1.5 * LIMITS.socketBufferBytes; told++) {
    await eves.post(`42${told}["no.such.event"]`)
    await anns.ask('message.send', { id: randomUUID(), receiverId: eve.id, text })
    // The ack may leave before the event does.
    for (let heard = ''; !heard.includes('"message.new"'); ) {
      heard = await eves.poll()
      assert.doesNotMatch(heard, /slow\.consumer/)
    }
  }
})

test('eight hundred hostile sockets leave no memory behind', async (t) => {
  const { chat, url, server, othersGoOn } = await scene(t)
  const tokens = Array.from({ length: AT_ONCE }, (_, n) => chat.users.token(chat.users.add(`eve${n}`)))
  const attacks = [
    // Half a frame, which swallows what comes after it: there is nothing to wait for.
    [frame('42["typing.stop",{}').subarray(0, 12)],
    [frame('x'.repeat(50_000), { final: false })],
    [frame('3', { reserved: 4 })],
    [frame('', { claims: 2n ** 63n })],
    [frame('451-["message.send",{"_placeholder":true,"num":0}]')],
    [frame(bytes(0x34, 0x32, 0xff))],
    [frame(`421["message.send",${'['.repeat(20_000)}${']'.repeat(20_000)}]`)],
    [frame('41'), frame('421["message.send",{}]')],
    [frame('7')],
    ...[frame(`42${'9'.repeat(1_000)}["typing.stop",{}]`), frame('4399999999["x"]'), frame('42/admin,["x"]')].map(
      (one) => [one],
    ),
  ]
  const open = (): Promise<number> =>
    new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))))

  async function storm(sockets: number): Promise<void> {
    for (let n = 0; n < sockets; n += AT_ONCE) {
      await Promise.all(
        tokens.map(async (token, index) => {
          using bare = await bareDevice(url, token)
          bare.write(...attacks[(n + index) % attacks.length]!)
          if ((n + index) % attacks.length > 0) await bare.caughtUp()
        }),
      )
    }
  }

  const before = await open()
  await storm(400)
  const used = await memory()
  await storm(800)
  await othersGoOn('a storm')
  const late = AbortSignal.timeout(30_000)
  for (;;) {
    const [grown, left] = [(await memory()) - used, (await open()) - before]
    if (grown < MAY_GROW && left === 0) break
    assert.ok(!late.aborted, `${grown} bytes more are in use after 800 sockets, and ${left} are open`)
    await pause(100)
  }
})

const AT_ONCE = 25
/** 500 bytes for each of 2,000 sockets: less than what is known of any one of them. */
const MAY_GROW = 1_000_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use after a collection. */
async function memory(): Promise<number> {
  await pause(0)
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
