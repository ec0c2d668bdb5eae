import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UserDirectory } from '@parley/protocol/internal'
import { embeddedBus } from './bus/embedded.ts'
import { openControl } from './control.ts'
import { openLog } from './log.ts'

test('who comes while others wait for what was revoked goes after them, also when it is known meanwhile', async (t) => {
  await using slow = await slowlyRead(t)
  const { control, asked, turns } = slow
  slow.passes(10_000)
  const served: string[] = []
  const first = Promise.resolve(control.recent()).then(() => served.push('first'))
  const second = Promise.resolve(control.recent()).then(() => served.push('second'))
  await turns()
  asked.shift()?.resolve()
  await turns()
  const third = Promise.resolve(control.recent()).then(() => served.push('third'))
  await turns()
  slow.ends()
  await Promise.all([first, second, third])
  assert.deepEqual(served, ['first', 'second', 'third'])
})

test('whoever waits goes on once the log was read, though by then it takes so long that it is read again and again', async (t) => {
  await using slow = await slowlyRead(t)
  const { control, asked, turns } = slow
  slow.passes(1_000)
  t.mock.timers.tick(1_000)
  slow.passes(1_500)
  t.mock.timers.tick(1_000)
  let served = 0
  const waiting = Promise.resolve(control.recent()).then(() => served++)
  assert.deepEqual([asked.length, served], [1, 0])
  asked[0]!.resolve()
  await turns()
  assert.deepEqual(
    [asked.length, served],
    [2, 1],
    'what was read is a second and a half old, and the next reading is under way',
  )
  await waiting
  assert.equal(control.recent(), undefined)
})

test('while the user service hangs nobody waits for longer than a reading, however often it is tried', async (t) => {
  await using slow = await slowlyRead(t)
  const { control, asked, turns } = slow
  t.mock.timers.tick(1_000)
  slow.passes(2_500)
  let served = 0
  const waiting = Promise.resolve(control.recent()).then(() => served++)
  for (const reading of [0, 1]) {
    assert.deepEqual([asked.length, served], [reading + 1, 0])
    slow.passes(3_000)
    t.mock.timers.tick(3_000)
    asked[reading]!.reject(new Error('no answer in 3 s'))
    await turns()
  }
  assert.equal(served, 1, 'one that began after the call has failed')
  await waiting
  assert.deepEqual([control.reachable, control.recent()], [false, undefined])
})

/** A control log whose readings from now on end when the test says so; the clock and the timers are the test's too. */
async function slowlyRead(t: TestContext) {
  const log = openLog('test', 'silent')
  const bus = embeddedBus({ log })
  t.mock.timers.enable({ apis: ['setInterval'] })
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const asked: PromiseWithResolvers<void>[] = []
  let slow = false
  const directory: UserDirectory = {
    find: async () => [],
    findByName: async () => undefined,
    mailbox: async () => undefined,
    blocks: async () => ({ items: [] }),
    privacy: async () => ({ items: [] }),
    friends: async () => [],
    jwks: async () => ({ keys: [] }),
    async control() {
      if (slow) {
        const turn = Promise.withResolvers<void>()
        asked.push(turn)
        await turn.promise
      }
      return { entries: [], head: 0 }
    },
  }
  const control = await openControl({ directory, bus, log, revoked: () => {} })
  slow = true
  const ends = (): void => {
    slow = false
    for (const turn of asked) turn.resolve()
  }
  return {
    control,
    /** Readings that were begun. */
    asked,
    ends,
    passes(ms: number): void {
      now += ms
    },
    turns: async (): Promise<void> => new Promise((turn) => setImmediate(turn)),
    async [Symbol.asyncDispose]() {
      ends()
      await control[Symbol.asyncDispose]()
      await bus[Symbol.asyncDispose]()
    },
  }
}
