import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { until } from '@parley/infra/until'
import { openDeadLetters, withoutSecrets } from '@parley/kit/bus/dead-letters'
import { rabbitBus } from '@parley/kit/bus/rabbitmq'
import { deadQueue } from '@parley/kit/bus/topology'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { connect } from 'amqplib'
import { dlq } from './dlq.ts'

const LINK = 'https://chat.example.org/password/reset#secret-of-ann'

const letter = (id: string = randomUUID()): BusEvent => ({
  id,
  type: 'mail.requested',
  version: 1,
  occurredAt: '2030-01-01T00:00:00.000Z',
  key: id,
  rev: 1,
  data: {
    kind: 'password.reset',
    to: 'ann@example.org',
    username: 'ann',
    link: LINK,
    expiresAt: '2030-01-01T00:30:00Z',
  },
})

/** A bus whose one service refuses what `refuses` says, and what has become of the rest. */
async function open(t: TestContext) {
  const url = await infra.rabbitmq()
  const env = { RABBITMQ_URL: url }
  const bus = rabbitBus(url, { log: openLog('test', 'silent'), retryDelaysMs: [50] })
  t.after(() => bus[Symbol.asyncDispose]())
  const up = Promise.withResolvers<void>()
  bus.onState((state) => state === 'up' && up.resolve())
  await up.promise
  const service = { refuses: (_id: string): boolean => true, handled: [] as string[], tries: 0 }
  await bus.subscribe('notification.mail', async ({ id, data }) => {
    service.tries++
    if (service.refuses(id)) throw new Error(`cannot send "${'link' in data && data.link}" to ${data.to}\n at line 1`)
    service.handled.push(id)
  })
  const list = (...more: string[]) => dlq(['list', ...more], env)
  const dead = (count: number) =>
    until(
      `${count} dead letters`,
      15_000,
      async () => (await list()).filter((line) => line.includes('\t')).length === count,
    )
  return { url, env, bus, service, list, dead, run: (...args: string[]) => dlq(args, env) }
}

test('dead letters are listed with queue, id, type, time, tries and reason, and nothing of what is in them', async (t) => {
  const { bus, list, dead } = await open(t)
  assert.deepEqual(await list(), ['There are no dead letters.'])
  const event = letter()
  await bus.publish(event)
  await dead(1)
  for (let i = 0; i < 3; i++) {
    const lines = await list('notification.mail')
    assert.deepEqual(lines, [
      ['notification.mail', event.id, 'mail.requested', event.occurredAt, 'tried 2', 'Error: cannot send … to …'].join(
        '\t',
      ),
    ])
  }
  assert.deepEqual(await list('chat.users'), ['There are no dead letters.'])
})

test('a replay gives one letter, or all, to the service again, and may be repeated', async (t) => {
  const { bus, service, list, dead, run } = await open(t)
  const events = Array.from({ length: 5 }, () => letter())
  for (const event of events) await bus.publish(event)
  await dead(events.length)
  service.refuses = (id) => id === events[4]!.id
  const { id } = events[2]!
  assert.deepEqual(await run('replay', 'notification.mail', id), ['1 given to notification.mail again'])
  assert.deepEqual(await run('replay', 'notification.mail', id), ['0 given to notification.mail again'])
  await until('it to be handled', 10_000, () => service.handled.includes(id))
  assert.deepEqual(service.handled, [id])
  assert.equal((await list()).length, 4)
  assert.deepEqual(await run('replay', 'notification.mail', '--all'), ['4 given to notification.mail again'])
  await until('the rest to be handled', 10_000, () => service.handled.length === 4)
  // What is refused again climbs the ladder anew, and is found here again.
  await dead(1)
  assert.match((await list())[0]!, new RegExp(`${events[4]!.id}.*tried 2`))
  assert.deepEqual(
    service.handled.toSorted(),
    events
      .slice(0, 4)
      .map((each) => each.id)
      .sort(),
  )
})

test('a replay that breaks off leaves what it had not given back yet', async (t) => {
  const { url, bus, service, dead } = await open(t)
  for (let i = 0; i < 10; i++) await bus.publish(letter())
  await dead(10)
  service.refuses = () => false
  await using letters = await openDeadLetters(url)
  const replaying = letters.replay('notification.mail')
  await until('the first to be handled', 10_000, () => service.handled.length > 0)
  await letters[Symbol.asyncDispose]()
  await replaying.catch(() => {})
  await using again = await openDeadLetters(url)
  await again.replay('notification.mail')
  await until('all to be handled', 10_000, () => new Set(service.handled).size === 10)
  assert.deepEqual(await again.list('notification.mail', 10), [])
})

test('what is dropped is gone, and nothing else', async (t) => {
  const { bus, service, list, dead, run } = await open(t)
  const [one, other] = [letter(), letter()]
  for (const event of [one, other]) await bus.publish(event)
  await dead(2)
  assert.deepEqual(await run('drop', 'notification.mail', one.id), ['1 dropped'])
  assert.match((await list()).join(), new RegExp(other.id))
  assert.deepEqual(await run('drop', 'notification.mail', '--all'), ['1 dropped'])
  assert.deepEqual(await list(), ['There are no dead letters.'])
  assert.deepEqual(service.handled, [])
})

test('bytes that are no event are listed without a piece of them', async (t) => {
  const { url, list, dead } = await open(t)
  const raw = await connect(url)
  t.after(() => raw.close())
  const channel = await raw.createConfirmChannel()
  channel.sendToQueue('notification.mail', Buffer.from(`{"link": ${LINK}}`), {
    messageId: 'broken\n\u001b[31m',
    persistent: true,
  })
  await channel.waitForConfirms()
  await dead(1)
  const [line] = await list()
  assert.doesNotMatch(line!.replaceAll('\t', ' '), /secret|chat\.example|\p{Cc}/u)
  assert.match(line!, /^notification\.mail\tbroken \[31m\tunknown\tunknown\ttried 1\tSyntaxError/)
  assert.equal((await channel.checkQueue(deadQueue('notification.mail'))).messageCount, 1)
})

test('a command that is not complete does nothing, and a broker that is away is said', async () => {
  const env = { RABBITMQ_URL: 'amqp://127.0.0.1:1' }
  for (const args of [
    [],
    ['purge'],
    ['replay'],
    ['drop', 'notification.mail'],
    ['drop', 'no.such', '--all'],
    ['list', 'no.such'],
    ['drop', 'chat.users', '--al'],
  ])
    await assert.rejects(dlq(args, env), /Usage/, args.join(' '))
  await assert.rejects(dlq(['list'], {}), /RABBITMQ_URL is missing/)
  await assert.rejects(dlq(['list'], env), /ECONNREFUSED/)
  assert.equal(withoutSecrets(`Unexpected token 'h', "{"link": h"... is not valid JSON`).includes('link'), false)
})
