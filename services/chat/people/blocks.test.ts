import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { ContactSide } from '@parley/protocol/contact'
import type { PublicUser } from '@parley/protocol/user'
import { v7 as newId } from 'uuid'
import { type TestChat, testChat } from '../chat.fixture.ts'
import type { TestDevice } from '../device.fixture.ts'
import { directId } from '../direct.ts'

test('while one blocks the other nothing direct passes either way, and afterwards all of it again', async (t) => {
  const { chat, ann, ben } = await two(t)
  const [annsDevice, bensDevice] = [await chat.device(ann), await chat.device(ben)]
  const conversationId = directId(ann.id, ben.id)
  const first = { id: newId(), text: 'hello', receiverId: ben.id }
  const acked = await annsDevice.ask('message.send', first)
  assert.equal((await bensDevice.next('message.new')).text, 'hello')
  assert.equal((await bensDevice.ask('presence.subscribe', { userIds: [ann.id] })).data.items.length, 1)

  await block(chat, [ann, ben], 5, [ann])
  assert.deepEqual(await goneFrom(bensDevice), { userId: ann.id, online: false })
  const refused = await bensDevice.ask('message.send', { id: newId(), text: 'why?', conversationId })
  assert.deepEqual([refused.error.code, refused.error.detail], ['action.forbidden', 'This message cannot be delivered'])
  const own = await annsDevice.ask('message.send', { id: newId(), text: 'hm', conversationId })
  assert.match(own.error.detail, /You have blocked/)
  assert.deepEqual(await annsDevice.ask('message.send', first), acked, 'what was sent before is answered as before')
  assert.deepEqual((await bensDevice.ask('presence.subscribe', { userIds: [ann.id] })).data.items, [])
  assert.equal((await bensDevice.ask('typing.start', { conversationId })).ok, true)
  assert.equal((await bensDevice.ask('receipt.read', { conversationId, upToSeq: 1 })).ok, true)
  assert.deepEqual((await chat.request(ann, 'GET', `/api/conversations/${conversationId}`)).body.marks, [])

  await block(chat, [ann, ben], 6, [])
  assert.equal((await bensDevice.ask('typing.stop', { conversationId })).ok, true)
  // It might have left the device before that knew of the refusal.
  const again = { id: newId(), text: 'again', conversationId }
  assert.equal((await bensDevice.ask('message.send', again)).error.code, 'unavailable')
  assert.equal((await bensDevice.ask('message.send', again)).ok, true)
  assert.equal((await annsDevice.next('message.new')).text, 'again')
  assert.deepEqual(
    annsDevice.told().filter(({ event }) => event === 'receipt.updated' || event === 'typing.start'),
    [],
    'what came before it says that all of this would have come too',
  )
  const { marks } = (await chat.request(ann, 'GET', `/api/conversations/${conversationId}`)).body
  assert.deepEqual(marks, [{ userId: ben.id, deliveredSeq: 1, readSeq: 1 }])
})

test('to who was blocked and has no conversation to see there is nobody', async (t) => {
  const { chat, ann, ben } = await two(t)
  await block(chat, [ann, ben], 1, [ann])
  const device = await chat.device(ben)
  const to = async (receiverId: string) => {
    const { requestId: _, ...error } = (await device.ask('message.send', { id: newId(), text: 'x', receiverId })).error
    return error
  }
  const nobody = randomUUID()
  assert.deepEqual(await to(ann.id), await to(nobody))
  const asked = async (method: string, path: string, body?: object) => {
    const reply = await chat.request(ben, method, path, body)
    return [reply.status, reply.body.code, reply.body.detail]
  }
  for (const [method, path] of [
    ['PUT', '/api/conversations/direct/'],
    ['GET', '/api/messages/get/'],
  ] as const)
    assert.deepEqual(await asked(method, path + ann.id), await asked(method, path + nobody), path)
  const group = (id: string) => asked('POST', '/api/conversations', { title: 'Us', memberIds: [id] })
  assert.deepEqual(await group(ann.id), await group(nobody))
})

test('a group that both are in goes on, but for presence', async (t) => {
  const { chat, ann, ben } = await two(t)
  const group = await chat.request(ann, 'POST', '/api/conversations', { title: 'Us', memberIds: [ben.id] })
  const [annsDevice, bensDevice] = [await chat.device(ann), await chat.device(ben)]
  await block(chat, [ann, ben], 1, [ann])
  const sent = { id: newId(), text: 'to all', conversationId: group.body.id }
  assert.equal((await bensDevice.ask('message.send', sent)).ok, true)
  assert.equal((await annsDevice.next('message.new')).text, 'to all')
  for (const [device, other] of [
    [annsDevice, ben],
    [bensDevice, ann],
  ] as const)
    assert.deepEqual((await device.ask('presence.subscribe', { userIds: [other.id] })).data.items, [])
})

test('an older event never undoes a newer one', async (t) => {
  const { chat, ann, ben } = await two(t)
  const device = await chat.device(ann)
  const blocked = async (): Promise<boolean> =>
    !(await device.ask('message.send', { id: newId(), text: 'x', receiverId: ben.id })).ok
  await block(chat, [ann, ben], 7, [])
  await block(chat, [ann, ben], 6, [ann])
  assert.equal(await blocked(), false)
  await block(chat, [ann, ben], 8, [ben, ann])
  await block(chat, [ann, ben], 7, [])
  assert.equal(await blocked(), true)
})

test('a node reads the blocks of before when it starts, and again when the bus may have lost some', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, ben] = [chat.users.add('ann'), chat.users.add('ben')]
  const device = await chat.device(ann, { node: 1 })
  const send = () => device.ask('message.send', { id: newId(), text: 'x', receiverId: ben.id })
  assert.equal((await send()).ok, true)
  const users = [ann.id, ben.id].sort() as [string, string]
  chat.users.blocked.push({ users, rev: 3, by: [ann.id] })
  await using deliveries = await chat.bus.openDeliveries(() => {})
  deliveries.lost()
  const deadline = Date.now() + 10_000
  while ((await send()).ok) assert.ok(Date.now() < deadline, 'the block is never known')

  const other = await testChat(t, { users: chat.users })
  const fresh = await other.device(ann)
  assert.equal((await fresh.ask('message.send', { id: newId(), text: 'x', receiverId: ben.id })).ok, false)
})

test('both sides hear of what they see, on all their devices and every node, and of nothing else', async (t) => {
  const { chat, ann, ben } = await two(t, 2)
  const devices = [await chat.device(ann), await chat.device(ann, { node: 1 })]
  const bens = await chat.device(ben, { node: 1 })
  await tell(chat, [ann, ben], 1, { [ann.id]: 'outgoing', [ben.id]: 'incoming' })
  for (const device of devices) {
    const { userId, username, status } = await device.next('contact.changed')
    assert.deepEqual([userId, username, status], [ben.id, 'ben', 'outgoing'])
  }
  assert.equal((await bens.next('contact.changed')).status, 'incoming')
  await block(chat, [ann, ben], 2, [ann], [ann])
  await tell(chat, [ann, ben], 3, { [ann.id]: 'none', [ben.id]: 'outgoing' })
  assert.equal((await devices[0]!.next('contact.changed')).blocked, true)
  assert.equal((await bens.next('contact.changed')).status, 'outgoing', 'nothing was told between')
})

/** What the device is told when someone whom it saw present no longer is. */
async function goneFrom(device: TestDevice) {
  let told = await device.next('presence.changed')
  while (told.online) told = await device.next('presence.changed')
  return told
}

async function two(t: TestContext, nodes = 1) {
  const chat = await testChat(t, { nodes })
  return { chat, ann: chat.users.add('ann'), ben: chat.users.add('ben') }
}

/** As the user service tells of blocks; `told`: whose view of it has changed. */
function block(chat: TestChat, pair: PublicUser[], rev: number, by: PublicUser[], told: PublicUser[] = []) {
  return publish(chat, pair, rev, (user) => {
    const blocks = by.includes(user)
    return { blocks, view: { status: 'none', blocked: blocks, rev }, tell: told.includes(user) }
  })
}

function tell(chat: TestChat, pair: PublicUser[], rev: number, status: Record<string, ContactSide['view']['status']>) {
  return publish(chat, pair, rev, ({ id }) => ({
    blocks: false,
    view: { status: status[id]!, blocked: false, rev },
    tell: true,
  }))
}

async function publish(
  chat: TestChat,
  pair: PublicUser[],
  rev: number,
  side: (user: PublicUser) => Omit<ContactSide, 'userId'>,
): Promise<void> {
  const [low, high] = pair
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((user) => ({ userId: user.id, ...side(user) })) as [ContactSide, ContactSide]
  await chat.bus.publish({
    id: randomUUID(),
    type: 'contact.changed',
    version: 1,
    occurredAt: new Date().toISOString(),
    key: `${low.userId}:${high.userId}`,
    rev,
    data: { low, high },
  })
}
