import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { rabbitmq } from '@parley/infra/rabbitmq'
import { type Channel, connect, type GetMessage } from 'amqplib'
import { Fault } from '../fault.ts'
import { type Log, openLog } from '../log.ts'
import { arrivals, controlAppended, publishForSure, reached, registered } from './arrivals.fixture.ts'
import { busContract } from './bus.contract.ts'
import type { Bus } from './bus.ts'
import { ATTEMPTS, REASON } from './rabbitmq/consumer.ts'
import { openLink } from './rabbitmq/link.ts'
import { type RabbitOptions, rabbitBus } from './rabbitmq.ts'
import { DELIVERY_LIMIT, deadQueue, EVENTS } from './topology.ts'

/** A broker of our own, since we kill and freeze it. */
const folder = await mkdtemp(join(tmpdir(), 'parley-bus-'))
const broker = await rabbitmq(folder)
const vhosts = Array.from({ length: 40 }, (_, index) => `bus-${index}`)
const fresh = [...vhosts]

before(async () => {
  await broker.start()
  await broker.addVhosts(vhosts)
})
after(async () => {
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

/**
 * RabbitMQ writes the name of a new quorum queue to disk up to 3 s later (Erlang's dets; seen with 3.10.8). Killed before, it
 * comes back with that queue empty and without a leader, until somebody triggers an election: no client can change that.
 */
const YOUNG_QUEUE_MS = 5_000

const silent = openLog('test', 'silent')
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} }

busContract('rabbitmq', async (t) => {
  const url = emptyBroker()
  return { join: () => joined(t, url) }
})

test('rabbitmq: a service starts while the broker is away: it refuses to publish at once, and closes at once', async () => {
  const bus = rabbitBus('amqp://127.0.0.1:1', { log: silent })
  assert.equal(bus.state, 'down')
  const begun = performance.now()
  await bus.subscribe('chat.users', async () => {})
  await bus.listen(['control.appended'], () => {})
  const box = await bus.openDeliveries(() => {})
  await box.bind(1)
  box.publish({ partitions: [1], body: Buffer.from('dropped') })
  await assert.rejects(bus.publish(registered()), { code: 'unavailable' })
  await bus[Symbol.asyncDispose]()
  assert.ok(performance.now() - begun < 500, `took ${performance.now() - begun} ms`)
})

test('rabbitmq: a refused event climbs the ladder and ends as a dead letter with the reason; it delays only itself', async (t) => {
  const url = emptyBroker()
  const retryDelaysMs = [100, 300]
  const bus = await joined(t, url, { retryDelaysMs, prefetch: 2 })
  const [tries, done] = [arrivals<number>(), arrivals<string>()]
  const poison = registered('poison')
  await bus.subscribe('chat.users', async ({ id }) => {
    if (id !== poison.id) return done.add(id)
    tries.add(performance.now())
    throw new Error('cannot digest it')
  })
  await bus.publish(poison)
  await tries.until('the first try', (times) => times.length > 0)
  const others = Array.from({ length: 50 }, () => registered())
  for (const event of others) await bus.publish(event)
  await done.until('all others', (ids) => ids.length === others.length)

  const channel = await rawChannel(t, url)
  const letter = await taken(channel, deadQueue('chat.users'))
  assert.equal(letter.properties.headers?.[ATTEMPTS], 3)
  assert.match(letter.properties.headers?.[REASON], /cannot digest it/)
  assert.deepEqual(JSON.parse(letter.content.toString()), poison)
  const [first, second, third] = tries.items
  assert.equal(tries.items.length, 3)
  assert.ok(second! - first! >= 100 && third! - second! >= 300, `the waits grow: ${tries.items}`)
  assert.equal((await channel.checkQueue('chat.users')).messageCount, 0)
})

test('rabbitmq: what is no event, or of a version to come, is a dead letter at once, and harms nobody', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url)
  const done = arrivals<string>()
  const poison = registered('poison')
  await bus.subscribe('chat.users', async ({ id }) => {
    if (id === poison.id) throw new Fault('validation.failed', 'It has no user')
    done.add(id)
  })
  const channel = await rawChannel(t, url)
  const strange = ['{"id": 1', 'null', JSON.stringify({ ...registered(), version: 2 }), 'x'.repeat(5_000_000)]
  const bodies = [...strange, JSON.stringify(poison)]
  for (const body of bodies) channel.publish(EVENTS, 'user.registered', Buffer.from(body), { persistent: true })
  const event = registered()
  await publishForSure(bus, event)
  await done.until('the event behind them', (ids) => ids.includes(event.id))
  const dead = new Set<string>()
  while (dead.size < bodies.length) dead.add((await taken(channel, deadQueue('chat.users'))).content.toString())
  assert.deepEqual(dead, new Set(bodies))
  assert.equal(bus.state, 'up')
})

test('rabbitmq: an event that no queue takes although a subscription should is refused', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url)
  const channel = await rawChannel(t, url)
  await bus.publish(registered())
  for (const queue of ['chat.users', 'notification.analytics', 'notification.audit'])
    await channel.unbindQueue(queue, EVENTS, 'user.registered')
  await assert.rejects(bus.publish(registered()), { code: 'unavailable', message: /No queue/ })
  await bus.publish(controlAppended(1))
})

test('rabbitmq: publishes above the bound are refused at once, the others confirmed', async (t) => {
  const bus = await joined(t, emptyBroker(), { outstanding: 5 })
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => bus.publish(registered())))
  assert.deepEqual(
    results.map(({ status }) => status),
    [...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')],
  )
})

test('rabbitmq: a queue that somebody declared otherwise is told loudly, and all is well once it has gone', async (t) => {
  const url = emptyBroker()
  const channel = await rawChannel(t, url)
  await channel.assertQueue('chat.users', { durable: true })
  const errors = arrivals<string>()
  const log: Log = { ...quiet, error: (fields) => errors.add('err' in fields ? String(fields.err) : '') }
  const bus = rabbitBus(url, { log })
  t.after(() => bus[Symbol.asyncDispose]())
  await errors.until('an error line', (lines) => lines.some((line) => line.includes('PRECONDITION_FAILED')))
  assert.equal(bus.state, 'down')
  await channel.deleteQueue('chat.users')
  await reached(bus, 'up')
})

test('rabbitmq: when a queue is deleted under its consumer it is declared and consumed again', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url)
  const done = arrivals<string>()
  await bus.subscribe('chat.users', async ({ id }) => done.add(id))
  const channel = await rawChannel(t, url)
  const down = reached(bus, 'down')
  await channel.deleteQueue('chat.users')
  await down
  await reached(bus, 'up')
  const event = registered()
  await publishForSure(bus, event)
  await done.until('an event', (ids) => ids.includes(event.id))
})

test('rabbitmq: when an exchange is deleted under its publisher it is declared again, and publishing goes on', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url)
  const done = arrivals<string>()
  await bus.subscribe('chat.users', async ({ id }) => done.add(id))
  await (await rawChannel(t, url)).deleteExchange(EVENTS)
  const event = registered()
  await assert.rejects(bus.publish(event), { code: 'unavailable' })
  await publishForSure(bus, event)
  await done.until('the event', (ids) => ids.includes(event.id))
})

test('rabbitmq: an event whose consumer crashes before it is acknowledged is handled again', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url)
  const crashing = spawn(process.execPath, [join(import.meta.dirname, 'consume.fixture.ts'), url], {
    env: { ...process.env, PARLEY_CRASH_AT: 'consumer.before-ack' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => crashing.kill('SIGKILL'))
  const event = registered()
  await bus.publish(event)
  const [line] = await once(crashing.stdout, 'data', { signal: AbortSignal.timeout(20_000) })
  assert.equal(String(line).trim(), event.id)
  crashing.stdin.write('go on\n')
  if (crashing.exitCode === null && crashing.signalCode === null) await once(crashing, 'exit')
  assert.equal(crashing.signalCode, 'SIGKILL')
  const done = arrivals<string>()
  await bus.subscribe('chat.users', async ({ id }) => done.add(id))
  await done.until('the event', (ids) => ids.includes(event.id))
})

test('rabbitmq: an event that kills each consumer is a dead letter in the end', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url)
  await bus.publish(registered())
  const channel = await rawChannel(t, url)
  for (let delivery = 0; delivery <= DELIVERY_LIMIT; delivery++) channel.nack(await taken(channel, 'chat.users', false))
  const letter = await taken(channel, deadQueue('chat.users'))
  assert.equal(letter.properties.headers?.['x-first-death-reason'], 'delivery_limit')
})

test('rabbitmq: nothing confirmed is lost when the broker is killed in the middle, and all go on by themselves', async (t) => {
  const url = emptyBroker()
  const [user, chat, other] = [await joined(t, url), await joined(t, url), await joined(t, url)]
  const done = arrivals<string>()
  await chat.subscribe('chat.users', async ({ id }) => done.add(id))
  const heard = arrivals<string>()
  await chat.listen(['control.appended'], ({ id }) => heard.add(id))
  const got = arrivals<string>()
  const box = await chat.openDeliveries(({ body }) => got.add(body.toString()))
  await box.bind(7)
  const sender = await other.openDeliveries(() => {})

  const load = underLoad(t, user)
  await delay(YOUNG_QUEUE_MS)
  await broker.kill()
  await Promise.all([user, chat, other].map((bus) => reached(bus, 'down')))
  await box.bind(8)
  await broker.start()
  await Promise.all([user, chat, other].map((bus) => reached(bus, 'up')))
  sender.publish({ partitions: [7], body: Buffer.from('bound before') })
  sender.publish({ partitions: [8], body: Buffer.from('bound while away') })
  await got.until('both deliveries', (all) => all.length === 2)
  const confirmed = await load.stop()
  assert.ok(confirmed.length > 1_000, `${confirmed.length} confirmed`)
  await done.until('every confirmed event', (ids) => isAllOf(ids, confirmed), 30_000)
  const event = controlAppended(1)
  await user.publish(event)
  await heard.until('the event', (ids) => ids.includes(event.id))
})

test('rabbitmq: while the broker is short of memory nothing is published, but what was handled is acknowledged', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url, { confirmTimeoutMs: 1_000 })
  const begun = arrivals<string>()
  const { promise: go, resolve: finish } = Promise.withResolvers<void>()
  const consumer = await bus.subscribe('chat.users', async ({ id }) => {
    begun.add(id)
    await go
  })
  await bus.publish(registered())
  await begun.until('the handler to begin', (ids) => ids.length === 1)

  const relieve = await exhaustMemory(t)
  await assert.rejects(bus.publish(registered()), { code: 'unavailable', message: /in time/ })
  assert.equal(bus.state, 'down')
  await assert.rejects(bus.publish(registered()), { code: 'unavailable', message: /for the moment/ })
  finish()
  await consumer[Symbol.asyncDispose]()
  // What was not acknowledged would be back in the queue, now that its consumer has gone.
  assert.equal((await (await rawChannel(t, url)).checkQueue('chat.users')).messageCount, 0)

  await relieve()
  await reached(bus, 'up')
  await bus.publish(registered())
})

test('rabbitmq: an event that is refused while nothing can be published waits, and is tried again afterwards', async (t) => {
  const bus = await joined(t, emptyBroker(), { confirmTimeoutMs: 500 })
  const event = registered()
  const { promise: go, resolve: finish } = Promise.withResolvers<void>()
  const tries = arrivals<string>()
  await bus.subscribe('chat.users', async ({ id }) => {
    if (id !== event.id) return
    tries.add(id)
    if (tries.items.length > 1) return
    await go
    throw new Error('not yet')
  })
  await bus.publish(event)
  await tries.until('the first try', (ids) => ids.length === 1)
  const relieve = await exhaustMemory(t)
  await assert.rejects(bus.publish(registered()), { code: 'unavailable' })
  finish()
  await relieve()
  await tries.until('the second try', (ids) => ids.length === 2)
})

test('rabbitmq: when more is delivered at once than is taken, all nodes hear that something was lost', async (t) => {
  const url = emptyBroker()
  const [ann, bob] = [await joined(t, url), await joined(t, url)]
  const got = arrivals<number>()
  const told = [arrivals<string>(), arrivals<string>()]
  for (const [n, bus] of [ann, bob].entries()) bus.onState((state) => told[n]!.add(state))
  const sender = await ann.openDeliveries(() => {})
  const receiver = await bob.openDeliveries(({ body }) => got.add(body.readUInt32BE()))
  await receiver.bind(1)
  const sent = 20_000
  for (let n = 0; n < sent; n++) {
    const body = Buffer.alloc(1_000)
    body.writeUInt32BE(n)
    sender.publish({ partitions: [1], body })
  }
  for (const states of told) await states.until('word of the loss', (all) => all.includes('up'), 20_000)
  assert.ok(got.items.length > 0 && got.items.length < sent, `${got.items.length} of ${sent} came`)
  assert.deepEqual(
    told.map(({ items }) => items),
    [['up'], ['up']],
  )
})

test('rabbitmq: a broker that stands still is noticed; publishes are refused in time and go through when it is back', async (t) => {
  const url = emptyBroker()
  const bus = await joined(t, url, { confirmTimeoutMs: 1_000 })
  const done = arrivals<string>()
  await bus.subscribe('chat.users', async ({ id }) => done.add(id))
  t.after(() => broker.resume())
  broker.freeze()
  const event = registered()
  const [tooLateToRefuse, tooLateToNotice] = [passing(t, 2_000), passing(t, 9_000)]
  await assert.rejects(bus.publish(event), { code: 'unavailable' })
  assert.ok(!tooLateToRefuse(), 'it was refused in time')
  await reached(bus, 'down')
  assert.ok(!tooLateToNotice(), 'it was noticed in time')
  await assert.rejects(bus.publish(event), { code: 'unavailable' })
  broker.resume()
  await reached(bus, 'up')
  await publishForSure(bus, event)
  await done.until('the event', (ids) => ids.includes(event.id))
})

test('rabbitmq: a bus closes in bounded time although the broker stands still', async (t) => {
  const bus = await joined(t, emptyBroker(), { closeMs: 500 })
  await bus.subscribe('chat.users', async () => {})
  await bus.openDeliveries(() => {})
  t.after(() => broker.resume())
  broker.freeze()
  const begun = performance.now()
  await bus[Symbol.asyncDispose]()
  assert.ok(performance.now() - begun < 6_000, `took ${performance.now() - begun} ms`)
})

test('rabbitmq: a connection that is closed while it is being set up is gone at once, and does not come back', async () => {
  const begins = Promise.withResolvers<void>()
  let setUps = 0
  const link = openLink(emptyBroker(), {
    name: 'closed early',
    log: silent,
    heartbeatS: 2,
    setup() {
      setUps++
      begins.resolve()
      return new Promise(() => {})
    },
    onChange() {},
    onBlocked() {},
  })
  await begins.promise
  const begun = performance.now()
  await link[Symbol.asyncDispose]()
  assert.ok(performance.now() - begun < 2_000, `took ${performance.now() - begun} ms`)
  assert.equal(link.session, undefined)
  assert.equal(setUps, 1)
})

/** Whether so long has passed, by a timer beside those of the bus: where this process itself stands still, all of them are late, and keep their order. */
function passing(t: TestContext, ms: number): () => boolean {
  let isOver = false
  const timer = setTimeout(() => {
    isOver = true
  }, ms)
  t.after(() => clearTimeout(timer))
  return () => isOver
}

/** The URL of a broker where nothing has been declared yet. */
function emptyBroker(): string {
  return `${broker.url}/${fresh.pop()!}`
}

async function joined(t: TestContext, url: string, options: Partial<RabbitOptions> = {}): Promise<Bus> {
  const bus = rabbitBus(url, { log: silent, retryDelaysMs: [100, 300], ...options })
  t.after(() => bus[Symbol.asyncDispose]())
  await reached(bus, 'up')
  return bus
}

/** A channel that is not the bus's, to look behind it. */
async function rawChannel(t: TestContext, url: string): Promise<Channel> {
  const connection = await connect(url)
  connection.on('error', () => {})
  t.after(() => connection.close())
  return connection.createChannel()
}

/** Raises the broker's memory alarm; returns what ends it. */
async function exhaustMemory(t: TestContext): Promise<() => Promise<string>> {
  const relieve = () => broker.evaluate('rabbit_alarm:clear_alarm({resource_limit, memory, node()})')
  t.after(relieve)
  await broker.evaluate('rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})')
  return relieve
}

/** Takes the next message of a queue, waiting for it at most 10 s. */
async function taken(channel: Channel, queue: string, noAck = true): Promise<GetMessage> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const message = await channel.get(queue, { noAck })
    if (message) return message
    if (performance.now() > deadline) throw new Error(`Nothing came to ${queue}`)
  }
}

/** Publishes 20 events at a time, each until it is confirmed. `stop` tells which were. */
function underLoad(t: TestContext, bus: Bus): { stop(): Promise<string[]> } {
  const confirmed: string[] = []
  let stopped = false
  t.after(() => {
    stopped = true
  })
  async function worker(): Promise<void> {
    while (!stopped) {
      const event = registered()
      await publishForSure(bus, event)
      confirmed.push(event.id)
    }
  }
  const workers = Array.from({ length: 20 }, worker)
  return {
    async stop() {
      stopped = true
      await Promise.all(workers)
      return confirmed
    },
  }
}

function isAllOf(seen: readonly string[], wanted: readonly string[]): boolean {
  const all = new Set(seen)
  return wanted.every((id) => all.has(id))
}
