import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asFault, Fault } from '@parley/kit/fault'
import { unopenedDirect } from '../direct.ts'
import { openSendOrder, type Turn } from './send-order.ts'

test('a send that ends early lets none that follows it overtake what is still under way before it', async () => {
  const order = openSendOrder(16)
  const old = unopenedDirect('a', 'b')
  const first = Promise.withResolvers<void>()
  const turns: Turn[] = []
  const send = (id: string, ends: Promise<void>) =>
    order.run('lane', id, async (turn) => {
      turns.push(turn)
      await turn.ready
      turn.asked(turn.authorizedBefore() ?? old)
      await ends
    })
  const decidedAgain = send('first', first.promise)
  await send('a repeat, answered at once', Promise.resolve())
  const refusedAtOnce = order.run('lane', 'answered without asking', async (turn) => {
    await turn.ready
    turn.authorizedBefore()
  })
  await refusedAtOnce
  let over = false
  const last = send('last', Promise.resolve())
  const waited = turns.at(-1)!.before?.then(() => {
    over = true
  })
  await last
  assert.ok(waited)
  assert.equal(turns.at(-1)!.authorizedBefore(), old)
  assert.equal(over, false, 'the first is under way')
  first.resolve()
  await Promise.all([decidedAgain, waited])
})

/** One send after another, each refused with that code where it is not taken; gives how it ended. */
function openLane() {
  const order = openSendOrder(16)
  const send = (id: string, code?: 'not_found' | 'action.forbidden' | 'message.id_conflict') =>
    order
      .run('lane', id, async (turn) => {
        const refusal = turn.refusal() ?? (code ? new Fault(code, 'no') : turn.doubt())
        if (refusal) throw refusal
        return 'taken'
      })
      .catch((error) => asFault(error).code)
  return { order, send }
}

test('what could be taken after one that was refused for good is to be sent again, since the device may not know of that', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  for (const code of ['not_found', 'action.forbidden'] as const) {
    const { send } = openLane()
    assert.equal(await send('a', code), code)
    assert.equal(await send('b', code), code)
    assert.deepEqual([await send('c'), await send('d')], ['unavailable', 'unavailable'])
    assert.deepEqual([await send('c'), await send('d')], ['taken', 'taken'])
  }
  const { send } = openLane()
  await send('a', 'not_found')
  assert.equal(await send('a'), 'taken', 'who sends it again on this connection has heard')
  await send('b', 'message.id_conflict')
  assert.equal(await send('c'), 'taken', 'that stays refused for ever')
  await send('d', 'not_found')
  t.mock.timers.tick(10_000)
  assert.equal(await send('e'), 'taken', 'what comes that late left after the refusal was heard')
})

test('on a connection that is over nothing is taken any more after one that was refused for good', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const { order, send } = openLane()
  await send('a', 'not_found')
  order.unheard()
  t.mock.timers.tick(3_600_000)
  assert.equal(await send('b'), 'unavailable')
  const later = openLane()
  later.order.unheard()
  assert.equal(await later.send('a'), 'taken', 'what is answered to nobody is there all the same')
  await later.send('b', 'action.forbidden')
  t.mock.timers.tick(3_600_000)
  assert.equal(await later.send('c'), 'unavailable')
})
