import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { testChat } from './chat.fixture.ts'
import type { Told } from './device.fixture.ts'
import { type BareSocket, bareDevice, frame } from './socket/frames.fixture.ts'

/** Ann and Bob, who talk all the while, and strangers with bare sockets. */
export async function scene(t: TestContext) {
  const chat = await testChat(t, { limits: { sendsPerSecond: 10_000, sendBurst: 10_000 } })
  const { users } = chat
  const { url, http } = chat.nodes[0]!
  const [ann, bob] = [users.add('ann'), users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  return {
    chat,
    url,
    server: http.server,
    ann,
    anns,
    stranger: () => bareDevice(url, users.token(users.add('eve'))),
    /** The sockets that Ann and Bob had before go on, as if nothing had happened. */
    async othersGoOn(after: string): Promise<void> {
      const ack = await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: after })
      assert.equal(ack.ok, true, after)
      assert.equal((await bobs.next('message.new')).text, after)
      for (const device of [anns, bobs]) assert.deepEqual(device.told(), [], after)
    },
  }
}

/** The text of a message, to be answered by that number. */
export const send = (receiverId: string, text: string, ack: number | string = 1): string =>
  `42${ack}${JSON.stringify(['message.send', { id: randomUUID(), receiverId, text }])}`

/** The ack with that number. */
export const ackOf = async (bare: BareSocket, number: number | string): Promise<Told> =>
  JSON.parse((await bare.text(`43${number}[`)).slice(2 + String(number).length))[0]

/** What it was told as answers, and not taken. */
export const answers = (bare: BareSocket): string[] => bare.texts().filter((text) => text.startsWith('43'))

/** Events that it was told, and not taken. */
export const events = (bare: BareSocket): string[] => bare.texts().filter((text) => text.startsWith('42'))

/** Its next event is answered, or it is closed. */
export async function goesOnOrIsClosed(bare: BareSocket): Promise<void> {
  bare.write(frame('4277["no.such.event",{}]'))
  await Promise.any([bare.text('4377['), bare.closed()])
}

/** A buffer of these. */
export const bytes = (...values: number[]): Buffer => Buffer.from(values)
