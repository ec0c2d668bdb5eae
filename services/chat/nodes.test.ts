import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Bus } from '@parley/kit/bus/bus'
import { Fault } from '@parley/kit/fault'
import { testChat } from './chat.fixture.ts'
import { rawDevice } from './socket/raw.fixture.ts'

test('a message reaches members on another node, and a member removed there hears nothing more', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob.id, cleo.id],
  })
  const [anns, bobs, cleos] = [
    await chat.device(ann),
    await chat.device(bob, { node: 1 }),
    await chat.device(cleo, { node: 1 }),
  ]
  const say = (text: string) => anns.ask('message.send', { id: randomUUID(), conversationId: group.id, text })
  await say('to all')
  for (const device of [bobs, cleos]) {
    const message = await device.next('message.new')
    assert.equal(message.text, 'to all')
    assert.equal(message.sender, 'ann')
  }
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  assert.deepEqual(await bobs.next('conversation.updated'), { conversationId: group.id, gone: true, rev: 3 })
  await say('to the rest')
  assert.equal((await cleos.next('message.new')).text, 'to the rest')
  assert.deepEqual(bobs.told(), [])
})

test('a node that stops tells its devices when to come back, loses no ack, and leaves the HTTP server alone', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const sending = anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'last words' })
  await anns.ask('sync', {})
  const stopping = chat.nodes[0]!.stop()
  assert.ok((await anns.next('server.draining')).reconnectAfterMs >= 0)
  assert.equal((await sending).ok, true)
  await anns.next('disconnect')
  await stopping
  assert.equal((await fetch(`${chat.nodes[0]!.url}/healthz`)).status, 200)
  const again = await chat.device(ann, { node: 1 })
  const { data } = await again.ask('sync', {})
  assert.equal(data.items[0].lastMessage.text, 'last words')
})

test('a device that does not read is told and cut; the others get everything', async (t) => {
  const chat = await testChat(t, { limits: { sendBurst: 10_000 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const stuck = await rawDevice(t, chat.nodes[0]!.url, chat.users.token(bob))
  stuck.ws.pause()
  const text = '😀'.repeat(9_000)
  const { internalPort } = chat.nodes[0]!.http
  const sockets = async () => (await fetch(`http://127.0.0.1:${internalPort}/metrics`)).text()
  let sent = 0
  while (/^parley_sockets 3$/m.test(await sockets())) {
    assert.ok(sent < 2_000, 'the device that does not read is still there')
    const sends = Array.from({ length: 16 }, () =>
      anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text }),
    )
    for (const ack of await Promise.all(sends)) assert.equal(ack.ok, true)
    sent += 16
  }
  stuck.ws.resume()
  await stuck.frame('42["slow.consumer"')
  await stuck.closed()
  for (let n = 1; n <= sent; n++) assert.equal((await bobs.next('message.new')).seq, n)
})

test('what the bus refuses for one conversation is tried again, and holds up no other and no message', async (t) => {
  const published: string[] = []
  let poison: string | undefined
  const refusing = (bus: Bus): Bus => ({
    ...bus,
    hears: () => true,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    async publish(event) {
      if (event.key === poison) throw new Fault('unavailable', 'Not this one')
      await bus.publish(event)
      if (event.type !== 'messages.created') published.push(`${event.key}/${event.rev}`)
      else published.push(...event.data.conversations.map(({ conversationId, seq }) => `${conversationId}#${seq}`))
    },
  })
  const chat = await testChat(t, { bus: refusing })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const make = async (title: string) =>
    (await chat.request(ann, 'POST', '/api/conversations', { title, memberIds: [bob.id] })).body.id
  const [heldBack, other] = [await make('Held back'), await make('Other')]
  const rename = (id: string, title: string) => chat.request(ann, 'PATCH', `/api/conversations/${id}`, { title })
  await until(() => published.includes(`${heldBack}/1`) && published.includes(`${other}/1`))
  poison = heldBack
  for (let n = 0; n < 3; n++) await rename(heldBack, `Held back ${n}`)
  await rename(other, 'Goes on')
  await until(() => published.includes(`${other}/2`))
  const { body } = await chat.request(ann, 'POST', '/api/messages/send', { receiverId: other, message: 'so does this' })
  await until(() => published.includes(`${other}#${body.seq}`))
  await until(async () => (await chat.store.log.pending(10)).length === 3)
  poison = undefined
  for (const rev of [2, 3, 4]) await until(() => published.includes(`${heldBack}/${rev}`))
  assert.equal(new Set(published).size, published.length, 'nothing twice')
  await until(async () => (await chat.store.log.pending(10)).length === 0)
})

test('messages that the bus refuses are told again, in each conversation up to the last', async (t) => {
  const told: [string, number][] = []
  let away = true
  const refusing = (bus: Bus): Bus => ({
    ...bus,
    hears: () => true,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    async publish(event) {
      if (event.type !== 'messages.created') return bus.publish(event)
      if (away) throw new Fault('unavailable', 'Not now')
      await bus.publish(event)
      for (const { conversationId, seq } of event.data.conversations) told.push([conversationId, seq])
    },
  })
  const chat = await testChat(t, { bus: refusing })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const say = async (receiverId: string) =>
    (await chat.request(ann, 'POST', '/api/messages/send', { receiverId, message: 'hi' })).body
  await say(bob.id)
  const [bobs, cleos] = [await say(bob.id), await say(cleo.id)]
  await until(async () => (await chat.store.log.pending(10)).every(({ kind }) => kind === 'message'))
  away = false
  for (const { conversationId, seq } of [bobs, cleos])
    await until(() => told.some(([id, last]) => id === conversationId && last === seq))
  await until(async () => (await chat.store.log.pending(10)).length === 0)
})

test('a message that names somebody waits until the bus has taken that, and holds up no other conversation', async (t) => {
  const told: string[] = []
  let away = true
  const refusing = (bus: Bus): Bus => ({
    ...bus,
    hears: () => true,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    async publish(event) {
      if (event.type === 'messages.addressed') {
        if (away) throw new Fault('unavailable', 'Not now')
        told.push(...event.data.seqs.map((seq) => `${event.data.conversationId}#${seq} named`))
      }
      await bus.publish(event)
      if (event.type === 'messages.created')
        told.push(...event.data.conversations.map(({ conversationId, seq }) => `${conversationId}#${seq}`))
    },
  })
  const chat = await testChat(t, { bus: refusing })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const say = async (receiverId: string, message: string, more = {}) =>
    (await chat.request(ann, 'POST', '/api/messages/send', { receiverId, message, ...more })).body
  const { conversationId, seq } = await say(bob.id, 'one')
  await until(() => told.includes(`${conversationId}#${seq}`))
  const reply = await say(bob.id, 'to that', { replyTo: seq })
  const other = await say(cleo.id, 'goes on')
  await until(() => told.includes(`${other.conversationId}#${other.seq}`))
  await until(async () => (await chat.store.log.pending(10)).length === 1)
  away = false
  await until(() => told.includes(`${conversationId}#${reply.seq} named`))
  await until(async () => (await chat.store.log.pending(10)).length === 0)
  assert.ok(told.includes(`${conversationId}#${reply.seq}`))
})

test('however many messages come while the bus confirms, it is told of them at once', async (t) => {
  const told: number[] = []
  const open = Promise.withResolvers<void>()
  const slow = (bus: Bus): Bus => ({
    ...bus,
    hears: () => true,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    async publish(event) {
      await open.promise
      await bus.publish(event)
      if (event.type === 'messages.created') told.push(...event.data.conversations.map(({ seq }) => seq))
    },
  })
  // Before the node is closed: it waits for what is under way.
  t.after(() => open.resolve())
  const chat = await testChat(t, { bus: slow })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  for (let n = 0; n < 10; n++) await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: `${n}` })
  open.resolve()
  await until(async () => (await chat.store.log.pending(20)).length === 0)
  assert.ok(told.length <= 2, `${told}`)
  assert.equal(told.at(-1), 10)
})

/** Looks until it is so; rejects after 10 s. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come to that within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
