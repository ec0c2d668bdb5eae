import assert from 'node:assert/strict'
import test from 'node:test'
import type { BusEvent } from '@parley/protocol/events'
import { openLog } from '../log.ts'
import { aloneBus } from './alone.fixture.ts'

const registered = (id: string): BusEvent => ({
  ...{ id, type: 'user.registered', version: 1, occurredAt: new Date().toISOString(), key: id, rev: 1 },
  data: { id, username: id },
})

test('what nobody takes is taken; whoever takes it first has all of it from then on, and it waits while they are gone', async () => {
  await using bus = aloneBus({ log: openLog('bus', 'silent') })
  await bus.publish(registered('before'))
  const taken: string[] = []
  {
    await using _ = await bus.subscribe('chat.users', async ({ id }) => void taken.push(id))
    for (const id of ['one', 'two']) await bus.publish(registered(id))
  }
  assert.deepEqual(taken, ['one', 'two'])
  await assert.rejects(bus.publish(registered('after')), { code: 'unavailable' })
})

test('what is left to the test waits for it', async () => {
  await using bus = aloneBus({ log: openLog('bus', 'silent'), left: (name) => name === 'chat.users' })
  await assert.rejects(bus.publish(registered('one')), { code: 'unavailable' })
  await bus.subscribe('chat.users', async () => {})
  await bus.publish(registered('one'))
})
