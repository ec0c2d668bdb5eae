import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { openLog } from '@parley/kit/log'
import { fragileBus } from '../bus.fixture.ts'
import { unopenedDirect } from '../direct.ts'
import { openRolls } from './audience.ts'

test('after an outage each conversation is read from the store once, however many there are', async () => {
  await using bus = fragileBus(embeddedBus({ log: openLog('test', 'silent') }))
  const conversation = unopenedDirect('a', 'b')
  let reads = 0
  const log = {
    cachedConversation: async () => conversation,
    async findConversation() {
      reads++
      return conversation
    },
  }
  using rolls = openRolls(log, bus, () => undefined)
  bus.cut()
  bus.mend()
  for (let n = 0; n < 60_000; n++) await rolls.members(`room ${n}`, 1)
  assert.equal(reads, 60_000)
  for (let n = 0; n < 3; n++) await rolls.members('room 59999', 1)
  assert.equal(reads, 60_000)
})

test('what was read before the bus came back is read again: a removal may have come in between', async () => {
  await using bus = fragileBus(embeddedBus({ log: openLog('test', 'silent') }))
  const conversation = unopenedDirect('a', 'b')
  let reads = 0
  const log = {
    cachedConversation: async () => conversation,
    async findConversation() {
      reads++
      return conversation
    },
  }
  using rolls = openRolls(log, bus, () => undefined)
  bus.cut()
  const reading = rolls.members('room', 1)
  bus.mend()
  await reading
  await rolls.members('room', 1)
  assert.equal(reads, 2)
})
