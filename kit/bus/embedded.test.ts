import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../fault.ts'
import { openLog } from '../log.ts'
import { arrivals, publishForSure, registered } from './arrivals.fixture.ts'
import { busContract } from './bus.contract.ts'
import { embeddedBus } from './embedded.ts'

const log = openLog('test', 'silent')

/** A bus on which whatever else takes `user.registered` takes it. */
async function opened(options: Partial<Parameters<typeof embeddedBus>[0]> = {}) {
  const bus = embeddedBus({ log, ...options })
  await bus.subscribe('notification.analytics', async () => {})
  await bus.subscribe('notification.audit', async () => {})
  return bus
}

busContract('embedded', async (t) => {
  const bus = await opened()
  t.after(() => bus[Symbol.asyncDispose]())
  return { join: async () => bus }
})

test('embedded: publish resolves only when the subscriber has committed', async () => {
  await using bus = await opened()
  const begun = arrivals<string>()
  const { promise: commit, resolve } = Promise.withResolvers<void>()
  await bus.subscribe('chat.users', async ({ id }) => {
    begun.add(id)
    await commit
  })
  let published = false
  const publishing = bus.publish(registered()).then(() => {
    published = true
  })
  await begun.until('the handler to begin', (ids) => ids.length === 1)
  assert.equal(published, false)
  resolve()
  await publishing
})

test('embedded: publish answers unavailable when nobody takes the event yet, and when its subscriber refuses it', async () => {
  await using bus = await opened()
  await assert.rejects(bus.publish(registered()), { code: 'unavailable' })
  await bus.subscribe('chat.users', async () => {
    throw new Error('disk full')
  })
  await assert.rejects(bus.publish(registered()), { code: 'unavailable', cause: new Error('disk full') })
})

test('embedded: publish answers unavailable when the subscriber takes too long', async () => {
  await using bus = await opened({ publishTimeoutMs: 30 })
  const { promise: never } = Promise.withResolvers<void>()
  await bus.subscribe('chat.users', () => never)
  await assert.rejects(bus.publish(registered()), { code: 'unavailable' })
})

test('embedded: an event that is refused again and again becomes a dead letter with its reason, and publish goes on', async () => {
  const dead = arrivals<{ event: string; err: Error }>()
  await using bus = await opened({
    log: { ...log, error: (fields) => dead.add(fields as { event: string; err: Error }) },
    deadAfter: { refusals: 5, ms: 0 },
  })
  const poison = registered('poison')
  const taken = arrivals<string>()
  await bus.subscribe('chat.users', async ({ id }) => {
    taken.add(id)
    if (id === poison.id) throw new Error('cannot digest it')
  })
  for (let refusal = 1; refusal < 5; refusal++) await assert.rejects(bus.publish(poison), { code: 'unavailable' })
  await bus.publish(poison)
  await bus.publish(poison)
  assert.equal(taken.items.length, 5, 'the subscriber is left alone with it')
  assert.equal(dead.items.length, 1)
  assert.equal(dead.items[0]!.event, poison.id)
  assert.equal(dead.items[0]!.err.message, 'cannot digest it')
  await bus.publish(registered())
})

test('embedded: no outage makes a dead letter, however long it lasts', async () => {
  await using bus = await opened({ deadAfter: { refusals: 2, ms: 0 } })
  const taken = arrivals<string>()
  let away = true
  await bus.subscribe('chat.users', async ({ id }) => {
    if (away) throw new Fault('unavailable', 'The store is away')
    taken.add(id)
  })
  const event = registered()
  for (let refusal = 0; refusal < 20; refusal++) await assert.rejects(bus.publish(event), { code: 'unavailable' })
  away = false
  await publishForSure(bus, event)
  assert.deepEqual(taken.items, [event.id])
})

test('embedded: publishes above the bound are refused at once', async () => {
  await using bus = await opened({ publishesAtOnce: 2, publishTimeoutMs: 50 })
  const { promise: never } = Promise.withResolvers<void>()
  await bus.subscribe('chat.users', () => never)
  const waiting = [bus.publish(registered()), bus.publish(registered())]
  await assert.rejects(bus.publish(registered()), { message: /too much/ })
  for (const publish of waiting) await assert.rejects(publish, { code: 'unavailable' })
})

test('embedded: a node is alone until another opens its mailbox, and again when that is closed', async () => {
  await using bus = await opened()
  const first = await bus.openDeliveries(() => {})
  assert.equal(first.alone(), true)
  const second = await bus.openDeliveries(() => {})
  assert.equal(first.alone(), false)
  await second[Symbol.asyncDispose]()
  assert.equal(first.alone(), true)
})

test('embedded: says that nobody hears of a type until somebody listens, or where a subscription takes it', async () => {
  await using bus = await opened()
  assert.equal(bus.hears('user.registered'), true, 'a subscription takes it, though nobody is there yet')
  assert.equal(bus.hears('control.appended'), false)
  const listening = await bus.listen(['control.appended'], () => {})
  assert.equal(bus.hears('control.appended'), true)
  await listening[Symbol.asyncDispose]()
  assert.equal(bus.hears('control.appended'), false)
})
