import assert from 'node:assert/strict'
import { test } from 'node:test'
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
