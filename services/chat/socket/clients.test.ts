import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { ManagerOptions, Socket } from 'socket.io-client'
import { testChat } from '../chat.fixture.ts'
import { converse, stockClient, TALKATIVE } from './clients.fixture.ts'

async function twoPeople(t: TestContext, anns: Partial<ManagerOptions>, bobs: Partial<ManagerOptions>) {
  const { users, nodes } = await testChat(t, { limits: TALKATIVE })
  const talker = async (name: string, options: Partial<ManagerOptions>) => {
    const user = users.add(name)
    return { user, client: await stockClient(t, nodes[0]!.url, users.token(user), options) }
  }
  return [await talker('ann', anns), await talker('bob', bobs)] as const
}

for (const [one, other] of [
  ['websocket', 'websocket'],
  ['polling', 'polling'],
  ['polling', 'websocket'],
] as const) {
  test(`a conversation by ${one} with someone by ${other} loses, doubles and changes nothing`, async (t) => {
    const [ann, bob] = await twoPeople(t, { transports: [one] }, { transports: [other] })
    await converse(ann, bob)
    assert.equal(await bob.client.transport(), other)
  })
}

test('a conversation loses, doubles and changes nothing while both turn from polling to WebSocket in its midst', async (t) => {
  const [anns, bobs] = [heldWebSocket(), heldWebSocket()]
  const [ann, bob] = await twoPeople(t, anns.options, bobs.options)
  const upgraded = Promise.all(
    [
      { client: ann.client, held: anns },
      { client: bob.client, held: bobs },
    ].map(async ({ client: { device }, held }) => {
      const { engine } = device.socket.io
      await heard(device.socket, 50)
      assert.equal(engine.transport.name, 'polling')
      const upgrade = new Promise((resolve) => engine.once('upgrade', resolve))
      held.release()
      await upgrade
    }),
  ).then(() => undefined)
  await Promise.all([converse(ann, bob, upgraded), upgraded])
  assert.equal(await bob.client.transport(), 'websocket')
})

function heard(socket: Socket, count: number): Promise<void> {
  return new Promise((resolve) => {
    socket.on('message.new', () => {
      if (--count === 0) resolve()
    })
  })
}

/** A client that begins with polling, and whose WebSocket gets no connection before it is released. */
function heldWebSocket(): { options: Partial<ManagerOptions>; release(): void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const agent = new Agent()
  agent.createConnection = (options, done) => {
    void released.then(() => done!(null, connect(Number(options.port), options.host!)))
    return undefined
  }
  return { options: { transports: ['polling', 'websocket'], transportOptions: { websocket: { agent } } }, release }
}
