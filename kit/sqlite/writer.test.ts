import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { BusEvent } from '@parley/protocol/events'
import type { Mail } from '@parley/protocol/mail'
import { embeddedBus } from '../bus/embedded.ts'
import { asFault } from '../fault.ts'
import { openLog } from '../log.ts'
import type { Things } from './writer.fixture.ts'
import { openWriter } from './writer.ts'

test('what can never be stored is a defect, whatever causes it, and what came with it is stored', async (t) => {
  const { write } = open(t)
  const never = [
    () => write('add', 'good', 2),
    () => write('add', null, 1),
    () => write('add', 'two', 'no number'),
    () => write('add', 'three', { of: 'no type' }),
    () => write('add', 'four', 4n ** 40n),
    () => write('ask', 'INSERT INTO nothing VALUES (1)'),
    () => write('ask', `SELECT json('{')`),
    () => write('ask', 'SELECT zeroblob(2000000000)'),
    () => write('trip'),
    () => write('no such write' as 'trip'),
    () => write('add', 'five', () => 'what no thread can be given'),
  ]
  const calls = [write('add', 'good', 1), ...never.map((call) => call()), write('add', 'better', 2)]
  assert.deepEqual(await codes(calls), ['stored', ...never.map(() => 'internal'), 'stored'])
  for (const call of never)
    await assert.rejects(call(), (error: Error) => !/could not be stored for the moment/.test(error.message))
})

test('a full disk refuses for the moment, and once there is room the same write is stored', async (t) => {
  const { write } = open(t)
  assert.equal(await write('add', 'first', 1), 1)
  await write('room', 10)
  assert.deepEqual(await codes([write('add', 'much', 1, 1_000_000)]), ['unavailable'])
  await write('room', 10_000)
  assert.equal(await write('add', 'much', 1, 1_000_000), 1)
})

test('while another process holds the file it refuses for the moment', async (t) => {
  const { path, write } = open(t)
  assert.equal(await write('add', 'first', 1), 1)
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const held = await codes([write('add', 'second', 2), write('add', 'first', 1)])
  assert.deepEqual(held, ['unavailable', 'unavailable'])
  other.exec('ROLLBACK')
  assert.deepEqual(await codes([write('add', 'second', 2), write('add', 'first', 1)]), ['stored', 'internal'])
})

test('an event that can never be stored becomes a dead letter, and one for which the disk has no room never does', async (t) => {
  const { write } = open(t)
  const lines: object[] = []
  const log = { ...openLog('writer', 'silent'), error: (fields: object) => void lines.push(fields) }
  await using bus = embeddedBus({ log, deadAfter: { refusals: 2, ms: 0 } })
  await using _ = await bus.subscribe('notification.mail', async ({ key, rev }) => {
    await write('add', key, 1, rev)
  })
  await bus.publish(mailRequested('ann', 0))
  await assert.rejects(bus.publish(mailRequested('ann', 1)), { code: 'unavailable' })
  await bus.publish(mailRequested('ann', 1))
  assert.equal(lines.length, 1)
  await write('room', 10)
  for (let tries = 0; tries < 4; tries++)
    await assert.rejects(bus.publish(mailRequested('ben', 1_000_000)), { code: 'unavailable' })
  await write('room', 10_000)
  await bus.publish(mailRequested('ben', 1_000_000))
  assert.equal(await write('add', 'cy', 1), 1)
  assert.deepEqual(await codes([write('add', 'ben', 1)]), ['internal'], 'it is there')
  assert.equal(lines.length, 1)
})

/** `rev` is how many bytes are to be stored. */
const mailRequested = (key: string, rev: number): BusEvent => ({
  ...{ id: `${key} ${rev}`, type: 'mail.requested', version: 1, occurredAt: '', key, rev },
  data: { kind: 'email.changed', to: '', username: '' } as Mail,
})

const codes = async (calls: Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(calls)).map((call) => (call.status === 'fulfilled' ? 'stored' : asFault(call.reason).code))

function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-writer-'))
  const path = join(folder, 'things.db')
  const writer = openWriter<Things>(path, new URL('./writer.fixture.ts', import.meta.url))
  t.after(async () => {
    await writer.close()
    rmSync(folder, { recursive: true })
  })
  return { path, write: writer.write }
}
