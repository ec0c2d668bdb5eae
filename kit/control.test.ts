import assert from 'node:assert/strict'
import test from 'node:test'
import type { UserDirectory } from '@parley/protocol/internal'
import { embeddedBus } from './bus/embedded.ts'
import { openControl } from './control.ts'
import { openLog } from './log.ts'

test('who comes while others wait for what was revoked goes after them, also when it is known meanwhile', async (t) => {
  const log = openLog('test', 'silent')
  await using bus = embeddedBus({ log })
  let stoodStillFor = 0
  const clock = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => clock() + stoodStillFor)
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
  await using control = await openControl({ directory, bus, log, revoked: () => {} })
  slow = true
  stoodStillFor = 10_000
  const served: string[] = []
  const first = Promise.resolve(control.recent()).then(() => served.push('first'))
  const second = Promise.resolve(control.recent()).then(() => served.push('second'))
  const turns = async (): Promise<void> => new Promise((turn) => setImmediate(turn))
  await turns()
  asked.shift()?.resolve()
  await turns()
  const third = Promise.resolve(control.recent()).then(() => served.push('third'))
  await turns()
  slow = false
  for (const turn of asked) turn.resolve()
  await Promise.all([first, second, third])
  assert.deepEqual(served, ['first', 'second', 'third'])
})
