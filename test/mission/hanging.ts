import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Stack } from '@parley/infra/stack'
import type { Ack, SendReply } from '@parley/protocol/socket'
import type { Device } from '../device.ts'
import { logIn, newPerson } from '../person.ts'
import { REVOKED_WITHIN_MS } from './sessions.ts'
import type { System } from './system.ts'

/** Two readings of the control log, each of which ends within 3 s, and what a busy machine adds. */
const HELD_AT_MOST_MS = 7_000
/** What takes so long was held. */
const HELD_MS = 3_000
/** So long a device goes on after it was held: a node that held it again would do so within this time. */
const GOES_ON_MS = 3_000
/** Nobody says more in a second than one may. */
const EVERY_MS = 100

/** The user service hangs, and neither answers nor refuses: only where it is a process of its own. */
export function hanging({ url, partition }: System, stack: () => Stack): void {
  test('while the user service hangs a node holds what is sent once, for seconds, and goes on; what is revoked then is closed once it is back', async (t) => {
    const [john, jane] = await Promise.all([newPerson(url(), 'john'), newPerson(url(), 'jane')])
    const [phone, tablet] = [await logIn(url(), john.email), await logIn(url(), john.email)]
    using johns = await john.connect({ partition: partition(0) })
    using janes = await jane.connect({ partition: partition(1) })
    using phoneHere = await phone.connect({ partition: partition(0) })
    using phoneThere = await phone.connect({ partition: partition(1) })
    using tabletHere = await tablet.connect({ partition: partition(0) })
    using tabletThere = await tablet.connect({ partition: partition(1) })
    const first = { id: randomUUID(), receiverId: jane.id, text: 'first' }
    const { conversationId } = await johns.get<SendReply>('message.send', first)
    assert.equal((await janes.next('message.new')).text, 'first')

    stack().freeze('user')
    try {
      const sent = await Promise.all([
        sendOn(johns, janes, conversationId, 'john'),
        sendOn(janes, johns, conversationId, 'jane'),
      ])
      for (const { took } of sent) {
        const held = took.filter((ms) => ms > HELD_MS)
        t.diagnostic(`of ${took.length} sends held for ${held} ms`)
        assert.ok(held.length === 1 && held[0]! < HELD_AT_MOST_MS, `held for ${held} ms`)
      }
      const overRest = await jane.post('/api/messages/send', { receiverId: john.id, message: 'over REST' })
      assert.equal(overRest.status, 201)
      assert.equal((await johns.next('message.new')).text, 'over REST')
      const all = 1 + sent.flatMap(({ took }) => took).length + 1
      for (const device of [phoneHere, phoneThere])
        assert.deepEqual(
          await seqsOf(device, all),
          Array.from({ length: all }, (_, index) => index + 1),
        )

      const revoking = john.ask('DELETE', `/api/user/me/sessions/${phone.sessionId}`)
      stack().resume('user')
      assert.equal((await revoking).status, 204)
      await closed(phoneHere, phoneThere)
      assert.equal((await john.ask('DELETE', `/api/user/me/sessions/${tablet.sessionId}`)).status, 204)
      await closed(tabletHere, tabletThere)
      assert.equal((await johns.ask('sync', {})).ok, true)
    } finally {
      stack().resume('user')
    }
  })
}

/** Sends one message after another, each of which arrives at the other device, until one was held and for a while after it: how long each took, in ms. */
async function sendOn(from: Device, to: Device, conversationId: string, who: string): Promise<{ took: number[] }> {
  const took: number[] = []
  for (let end = performance.now() + 15_000; performance.now() < end; await pause(EVERY_MS)) {
    const text = `${who} ${took.length}`
    const began = performance.now()
    const sending = from.socket.timeout(2 * HELD_AT_MOST_MS)
    const ack: Ack<SendReply> = await sending.emitWithAck('message.send', { id: randomUUID(), conversationId, text })
    assert.ok(ack.ok, JSON.stringify(ack))
    took.push(Math.round(performance.now() - began))
    assert.equal((await to.next('message.new')).text, text)
    if (took.at(-1)! > HELD_MS) end = Math.min(end, performance.now() + GOES_ON_MS)
  }
  return { took }
}

/** Which messages arrived, each node's in the order in which they were sent, those of two nodes in any. */
async function seqsOf(device: Device, count: number): Promise<number[]> {
  const seqs: number[] = []
  while (seqs.length < count) seqs.push((await device.next('message.new')).seq)
  return seqs.sort((a, b) => a - b)
}

async function closed(...devices: Device[]): Promise<void> {
  const began = performance.now()
  for (const device of devices) {
    assert.deepEqual(await device.next('session.revoked'), { reason: 'revoked' })
    await device.ended()
  }
  const took = Math.round(performance.now() - began)
  assert.ok(took < REVOKED_WITHIN_MS, `${took} ms`)
}
