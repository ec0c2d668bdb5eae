import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openUnderWay } from './under-way.ts'

test('what is asked alone has nothing beside it, whatever is asked when and however it ends, and everybody gets their own answer', async () => {
  const call = fc.record({ alone: fc.boolean(), fails: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(call, { maxLength: 12 }), async (scheduler, calls) => {
      const underWay = openUnderWay()
      let [beside, alone] = [0, 0]
      const asked = calls.map(async ({ alone: isAlone, fails }, n) => {
        await scheduler.schedule(Promise.resolve())
        const ask = async (): Promise<number> => {
          if (isAlone) alone++
          else beside++
          const look = (): void => assert.ok(alone === 0 || (alone === 1 && beside === 0), `${alone} and ${beside}`)
          look()
          await scheduler.schedule(Promise.resolve())
          look()
          if (isAlone) alone--
          else beside--
          if (fails) throw n
          return n
        }
        return underWay[isAlone ? 'alone' : 'run'](ask)
      })
      const settled = Promise.allSettled(asked)
      await scheduler.waitFor(settled)
      assert.deepEqual(
        await settled,
        calls.map(({ fails }, n) => (fails ? { status: 'rejected', reason: n } : { status: 'fulfilled', value: n })),
      )
    }),
  )
})

test('what is not answered in good time is given up, so that what is asked alone comes', async () => {
  const underWay = openUnderWay()
  const hanging = underWay.run(
    () => new Promise((_, reject) => underWay.givenUp.addEventListener('abort', () => reject(new Error('given up')))),
  )
  const refused = assert.rejects(hanging, /given up/)
  assert.equal(await underWay.alone(async () => 'last'), 'last')
  await refused
  assert.equal(underWay.givenUp.aborted, false, 'what is asked later is not')
})
