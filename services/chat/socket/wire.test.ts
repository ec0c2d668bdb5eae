import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Server, type ServerOptions, type Socket } from 'socket.io'
import { io as connect, type Socket as Device, type ManagerOptions } from 'socket.io-client'
import { ackOf, type ClientEvent, packetOf } from './packet.ts'
import { rawSocket } from './raw.fixture.ts'
import { forgetAnswers, forgetHandshake, Wire } from './wire.ts'

interface End {
  socket: Socket
  wire: Wire
  device: Device
  /** Events that came by the short way. */
  short: ClientEvent[]
  /** Packets that came by the plain way. */
  plain: unknown[][]
}

async function serve(t: TestContext, options: Partial<ServerOptions>): Promise<{ io: Server; url: string }> {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const io = new Server(http, options)
  t.after(() => io.close())
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
}

/** A device of the stock client and its socket, with nothing of Parley's between them but the wire. */
async function ends(t: TestContext, server: Partial<ServerOptions>, client: Partial<ManagerOptions>): Promise<End> {
  const { io, url } = await serve(t, server)
  const device = connect(url, { ...client, forceNew: true })
  t.after(() => device.disconnect())
  const end = await new Promise<Omit<End, 'device'>>((resolve) =>
    io.on('connection', (socket) => {
      const short: ClientEvent[] = []
      const plain: unknown[][] = []
      const wire = new Wire(socket, (event) => {
        short.push(event)
        if (event.ack !== undefined) wire.write([ackOf(event.ack, { way: 'short' })])
      })
      socket.use((packet) => {
        const reply = packet.at(-1)
        plain.push(packet.slice(0, 2))
        if (typeof reply === 'function') reply({ way: 'plain' })
      })
      resolve({ socket, wire, short, plain })
    }),
  )
  if (!device.connected) await new Promise<void>((resolve) => device.once('connect', resolve))
  return { ...end, device }
}

const ask = (device: Device, data: object): Promise<unknown> => device.timeout(5_000).emitWithAck('ask', data)

/** Resolves with the numbers that the device was told, once it has been told so many. */
function numbersTold(device: Device, count: number): Promise<number[]> {
  const told: number[] = []
  return new Promise((resolve) =>
    device.on('number', ({ n }: { n: number }) => {
      if (told.push(n) === count) resolve(told)
    }),
  )
}

/** The numbers in what a socket heard, by either way. The plain way ends where the short one begins. */
const heard = (plain: unknown[][], short: ClientEvent[]): unknown[] =>
  [...plain.map(([, data]) => data), ...short.map(({ packet }) => packet[1])].map((data) => Object(data).n)

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test('with the Engine.IO and ws that are installed, events come and go by the short way', async (t) => {
  const { wire, device, short, plain } = await ends(t, {}, { transports: ['websocket'] })
  assert.equal(wire.short, true, 'the insides have moved: see wire.ts')
  assert.deepEqual(await ask(device, { text: 'ü😀' }), { way: 'short' })
  assert.deepEqual(short, [{ packet: ['ask', { text: 'ü😀' }], ack: '0' }])
  assert.deepEqual(plain, [])
  const told = numbersTold(device, 1_000)
  for (const n of upTo(1_000)) wire.write([packetOf('number', { n })])
  assert.deepEqual(await told, upTo(1_000))
  assert.equal(wire.waiting, 0)
})

test('where the insides are not as expected everything goes the plain way', async (t) => {
  // A compressing WebSocket is one whose frames may not be written ready-made.
  const { wire, device, short, plain } = await ends(t, { perMessageDeflate: true }, { transports: ['websocket'] })
  assert.equal(wire.short, false)
  assert.deepEqual(await ask(device, { text: 'ü😀' }), { way: 'plain' })
  assert.deepEqual(plain, [['ask', { text: 'ü😀' }]])
  assert.deepEqual(short, [])
  const told = numbersTold(device, 1_000)
  for (const n of upTo(1_000)) wire.write([packetOf('number', { n })])
  assert.deepEqual(await told, upTo(1_000))
})

test('order holds while a polling client upgrades, in both directions', async (t) => {
  const { wire, socket, device, short, plain } = await ends(t, {}, { transports: ['polling', 'websocket'] })
  assert.equal(wire.short, false)
  let upgraded = false
  socket.conn.once('upgrade', () => {
    upgraded = true
  })
  const asked: Promise<unknown>[] = []
  const told: number[] = []
  device.on('number', ({ n }: { n: number }) => told.push(n))
  // Each turn of the event loop says something both ways, until some time after the upgrade.
  for (let after = 0; after < 200; after += upgraded ? 1 : 0) {
    assert.ok(asked.length < 20_000, 'it does not upgrade')
    wire.write([packetOf('number', { n: asked.length })])
    asked.push(ask(device, { n: asked.length }))
    await setImmediate()
  }
  // The stock client holds its own events back while it upgrades; what was said before and after comes in order.
  await Promise.all(asked)
  assert.equal(wire.short, true)
  assert.deepEqual(told, upTo(asked.length))
  assert.deepEqual(heard(plain, short), upTo(asked.length))
})

test('frames of every length and script arrive as they are', async (t) => {
  const { wire, device } = await ends(t, {}, { transports: ['websocket'] })
  const texts = [0, 1, 90, 124, 125, 126, 127, 65_500, 65_535, 65_536, 70_000].flatMap((length) =>
    ['a', 'ü', '漢', '😀', '\u2028', '"', '\\'].map((char) => char.repeat(length)),
  )
  // Lengths around each change of the frame's header, whatever the rest of the packet takes.
  for (let length = 80; length < 130; length++) texts.push('x'.repeat(length))
  for (let length = 65_480; length < 65_540; length++) texts.push('x'.repeat(length))
  const told: string[] = []
  const all = new Promise<void>((resolve) =>
    device.on('text', ({ text }: { text: string }) => {
      if (told.push(text) === texts.length) resolve()
    }),
  )
  wire.write(texts.map((text) => packetOf('text', { text })))
  await all
  assert.ok(told.every((text, index) => text === texts[index]))
})

test('who talks while a pong is awaited is alive', async (t) => {
  const [pingInterval, pingTimeout] = [400, 1_600]
  const { io, url } = await serve(t, { pingInterval, pingTimeout })
  const over = new Promise<number>((resolve) =>
    io.on('connection', (socket) => {
      new Wire(socket, () => undefined)
      const begun = performance.now()
      socket.on('disconnect', () => resolve(performance.now() - begun))
    }),
  )
  // Answers no ping, and talks some time after it.
  const raw = await rawSocket(t, url)
  raw.send('40')
  const talking = setInterval(() => raw.send('42["talk"]'), 700)
  t.after(() => clearInterval(talking))
  // What is said first makes the wait for the pong start anew, once, as Engine.IO has it.
  assert.ok((await over) > pingInterval + pingTimeout + 200, 'the wait did not start anew')
})

test('what is left for a socket that has signed off is not told to the next one of its connection', async (t) => {
  const { io, url } = await serve(t, {})
  const wires: Wire[] = []
  const left = new Promise<void>((resolve) =>
    io.on('connection', (socket) => {
      const wire = new Wire(socket, ({ ack }) => wire.write([ackOf(ack!, {})]))
      wires.push(wire)
      socket.on('disconnect', () => resolve())
    }),
  )
  const raw = await rawSocket(t, url)
  raw.send('40')
  await raw.frame('40{')
  raw.send('41')
  await left
  raw.send('40')
  await raw.frame('40{')
  wires[0]!.write([packetOf('secret', {})])
  raw.send('421["ask"]')
  assert.equal(await raw.frame('4'), '431[{}]')
  assert.equal(wires[1]!.short, true)
})

test('nothing of its handshake is kept with a socket that has signed in', async (t) => {
  for (const transports of [['websocket'], ['polling', 'websocket']]) {
    const { io, url } = await serve(t, {})
    forgetAnswers(io)
    const requests: WeakRef<IncomingMessage>[] = []
    io.engine.on('headers', (_headers: unknown, request: IncomingMessage) => {
      if (request.headers.upgrade) requests.push(new WeakRef(request))
    })
    const upgraded = new Promise<Socket>((resolve) =>
      io.on('connection', (socket) => {
        forgetHandshake(socket)
        new Wire(socket, () => undefined)
        if (transports.length === 1) resolve(socket)
        else socket.conn.once('upgrade', () => resolve(socket))
      }),
    )
    const device = connect(url, { transports, auth: { token: 'secret' }, forceNew: true })
    t.after(() => device.disconnect())
    const socket = await upgraded
    assert.equal(JSON.stringify(socket.handshake).includes('secret'), false)
    assert.equal(io.sockets.adapter.sids.size + io.sockets.adapter.rooms.size, 0)
    assert.equal(requests.length, 1)
    const late = performance.now() + 5_000
    while (requests[0]!.deref() && performance.now() < late) {
      await setImmediate()
      collectGarbage()
    }
    assert.equal(requests[0]!.deref(), undefined, 'something holds the request: see wire.ts')
    assert.equal(socket.connected, true)
  }
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
