import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Model, move, play, START, seenInBond, seenInModel } from './friendship.model.ts'
import { act, type Bond, otherSide, type Side, STRANGERS, standingOf } from './friendship.ts'

const SIDES: readonly Side[] = ['low', 'high']

test('whatever two people do in whatever order, each sees what a person would expect', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40, size: 'max' }), (moves) => {
      let bond: Bond = STRANGERS
      let model: Model = START
      for (const one of moves) {
        const [done, expected] = [act(bond, one.side, one.what), play(model, one)]
        if (typeof expected === 'string') {
          assert.equal(done, expected)
          continue
        }
        assert.ok(typeof done !== 'string', String(done))
        model = expected
        bond = done
        for (const side of SIDES) assert.equal(seenInBond(bond, side), seenInModel(model, side))
      }
    }),
    { numRuns: 500 },
  )
})

test('friendship is the same from both sides, a request has two ends, and a block leaves neither', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
      let bond: Bond = STRANGERS
      for (const { side, what } of moves) {
        const done = act(bond, side, what)
        if (typeof done === 'string') continue
        // Who takes back a block of their own and is blocked by the other hears from then on what one hears of nobody.
        const hiddenNow = what === 'unblock' && done[otherSide(side)].blocks
        assert.equal(act(done, side, what), hiddenNow ? 'hidden' : done, `${what} again changes nothing`)
        bond = done
        const [low, high] = [standingOf(bond, 'low'), standingOf(bond, 'high')]
        const mirrored = { none: 'none', incoming: 'outgoing', outgoing: 'incoming', friends: 'friends' } as const
        assert.equal(high, mirrored[low])
        if (bond.low.blocks || bond.high.blocks) assert.equal(low, 'none')
      }
    }),
  )
})

test('two requests that cross are one friendship', () => {
  const asked = act(STRANGERS, 'low', 'request')
  assert.ok(typeof asked !== 'string')
  const both = act(asked, 'high', 'request')
  assert.ok(typeof both !== 'string')
  assert.deepEqual([standingOf(both, 'low'), standingOf(both, 'high')], ['friends', 'friends'])
})

test('who was blocked hears what one hears of nobody, and who has blocked hears why', () => {
  const blocked = act(STRANGERS, 'low', 'block')
  assert.ok(typeof blocked !== 'string')
  assert.equal(act(blocked, 'high', 'request'), 'hidden')
  assert.equal(act(blocked, 'low', 'request'), 'blocked')
  for (const what of ['accept', 'decline', 'cancel', 'remove', 'unblock'] as const)
    assert.equal(act(blocked, 'high', what), 'hidden')
  const both = act(blocked, 'high', 'block')
  assert.ok(typeof both !== 'string' && both.low.blocks && both.high.blocks)
})
