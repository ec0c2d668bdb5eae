import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import { OPEN, type Privacy } from '@parley/protocol/profile'
import type { PublicUser } from '@parley/protocol/user'
import { fragileBus } from '../bus.fixture.ts'
import { type TestChat, testChat } from '../chat.fixture.ts'
import type { TestDevice } from '../device.fixture.ts'
import { testUsers } from '../users.fixture.ts'
import { openDiscretion } from './discretion.ts'
import { openFriends } from './friends.ts'

const log = openLog('test', 'silent')

function changed(user: PublicUser, rev: number, privacy: Partial<Privacy>) {
  return {
    id: randomUUID(),
    type: 'user.changed' as const,
    version: 1 as const,
    occurredAt: new Date().toISOString(),
    key: user.id,
    rev,
    data: { person: user, views: { friend: { viewRev: 0 }, other: { viewRev: 0 } }, privacy: { ...OPEN, ...privacy } },
  }
}

function befriended(one: PublicUser, other: PublicUser, rev: number, friends: boolean) {
  const [low, high] = [one.id, other.id].sort() as [string, string]
  const side = (userId: string) => ({
    userId,
    blocks: false,
    view: { status: friends ? ('friends' as const) : ('none' as const), blocked: false, rev },
    tell: true,
  })
  return {
    id: randomUUID(),
    type: 'contact.changed' as const,
    version: 1 as const,
    occurredAt: new Date().toISOString(),
    key: `${low}:${high}`,
    rev,
    data: { low: side(low), high: side(high) },
  }
}

/** Watches that user, and resolves when the device has seen that user here. */
async function seesOnline(device: TestDevice, user: PublicUser): Promise<void> {
  const [item] = (await device.ask('presence.subscribe', { userIds: [user.id] })).data.items
  if (!item.online) assert.deepEqual(await device.next('presence.changed'), { userId: user.id, online: true })
}

/** Ann on one node and Ben on the other, who have written to each other. */
async function twoNodes(t: TestContext) {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, ben] = [chat.users.add('ann'), chat.users.add('ben')]
  const sent = await chat.request(ann, 'POST', '/api/messages/send', { receiverId: ben.id, message: 'hi' })
  const conversationId: string = sent.body.conversationId
  const [anns, bens] = [await chat.device(ann), await chat.device(ben, { node: 1 })]
  const revs = new Map<string, number>()
  const keeps = async (user: PublicUser, privacy: Partial<Privacy>): Promise<void> => {
    const rev = (revs.get(user.id) ?? 0) + 1
    revs.set(user.id, rev)
    await chat.bus.publish(changed(user, rev, privacy))
  }
  /** Behind a message from the other node nothing from before it comes any more. */
  const quiet = async (device: TestDevice, ...events: string[]): Promise<void> => {
    const [from, text] = [device === anns ? bens : anns, randomUUID()]
    assert.equal((await from.ask('message.send', { id: randomUUID(), conversationId, text })).ok, true)
    while ((await device.next('message.new')).text !== text);
    const told = device.told().filter(({ event }) => events.includes(event))
    assert.deepEqual(told, [])
  }
  return { chat, ann, ben, anns, bens, conversationId, keeps, quiet }
}

const marksOf = async (chat: TestChat, user: PublicUser, conversationId: string) =>
  (await chat.request(user, 'GET', `/api/conversations/${conversationId}`)).body.marks

test('whose receipts are private tells nobody of marks but the own devices, and is told of nobody’s', async (t) => {
  const { chat, ann, ben, anns, bens, conversationId, keeps, quiet } = await twoNodes(t)
  const laptop = await chat.device(ben)
  await bens.ask('receipt.delivered', { conversationId, upToSeq: 1 })
  assert.equal((await anns.next('receipt.updated')).deliveredSeq, 1)
  await laptop.next('receipt.updated')
  await keeps(ben, { privateReceipts: true })
  const read = { deliveredSeq: 1, readSeq: 1 }
  assert.deepEqual((await bens.ask('receipt.read', { conversationId, upToSeq: 1 })).data, read)
  assert.deepEqual(await laptop.next('receipt.updated'), { conversationId, userId: ben.id, ...read })
  await quiet(anns, 'receipt.updated')
  await anns.ask('receipt.read', { conversationId, upToSeq: 2 })
  await quiet(bens, 'receipt.updated')
  assert.deepEqual(
    laptop.told().filter(({ event }) => event === 'receipt.updated'),
    [],
  )
  assert.deepEqual([await marksOf(chat, ann, conversationId), await marksOf(chat, ben, conversationId)], [[], []])
  const { me } = (await chat.request(ben, 'GET', `/api/conversations/${conversationId}`)).body
  assert.deepEqual([me.readSeq, me.unread], [1, 1])

  await keeps(ben, {})
  assert.deepEqual(await marksOf(chat, ann, conversationId), [{ userId: ben.id, ...read }])
  await bens.ask('receipt.read', { conversationId, upToSeq: 3 })
  assert.equal((await anns.next('receipt.updated')).readSeq, 3)
})

test('a mark that is on its way when it becomes private is not told any more, in a group neither', async (t) => {
  const { chat, ann, ben, anns, bens, keeps } = await twoNodes(t)
  const cleo = chat.users.add('cleo')
  const cleos = await chat.device(cleo, { node: 1 })
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [ben.id, cleo.id],
  })
  const conversationId = group.id
  for (const text of ['one', 'two'])
    assert.equal((await anns.ask('message.send', { id: randomUUID(), conversationId, text })).ok, true)
  // The first is told at once, and what follows within a second at its end.
  await bens.ask('receipt.read', { conversationId, upToSeq: 1 })
  assert.equal((await anns.next('receipt.updated')).readSeq, 1)
  assert.equal((await cleos.next('receipt.updated')).readSeq, 1)
  await bens.ask('receipt.read', { conversationId, upToSeq: 2 })
  await cleos.ask('receipt.read', { conversationId, upToSeq: 2 })
  await keeps(ben, { privateReceipts: true })
  assert.deepEqual(await anns.next('receipt.updated'), { conversationId, userId: cleo.id, deliveredSeq: 2, readSeq: 2 })
  await cleos.ask('receipt.read', { conversationId, upToSeq: 2 })
  assert.deepEqual(
    [anns, bens, cleos].map((device) => device.told().filter(({ event }) => event === 'receipt.updated')),
    [[], [], []],
  )
  const marks = [{ userId: cleo.id, deliveredSeq: 2, readSeq: 2 }]
  assert.deepEqual([await marksOf(chat, ann, conversationId), await marksOf(chat, ben, conversationId)], [marks, []])
})

test('whose presence is private looks as if never here, and sees the others so, on every node and at once', async (t) => {
  const { chat, ann, ben, anns, bens, conversationId, keeps, quiet } = await twoNodes(t)
  const watch = async (device: TestDevice, user: PublicUser) =>
    (await device.ask('presence.subscribe', { userIds: [user.id] })).data.items
  await seesOnline(anns, ben)
  await seesOnline(bens, ann)
  await keeps(ben, { privatePresence: true })
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: false })
  assert.deepEqual(await bens.next('presence.changed'), { userId: ann.id, online: false })
  assert.deepEqual(await watch(anns, ben), [{ userId: ben.id, online: false }])
  assert.deepEqual(await watch(bens, ann), [{ userId: ann.id, online: false }])
  await bens.ask('typing.start', { conversationId })
  await quiet(anns, 'typing.start', 'presence.changed')
  await anns.ask('typing.start', { conversationId })
  await quiet(bens, 'typing.start', 'presence.changed')
  const phone = await chat.device(ben)
  phone.close()
  await keeps(ben, {})
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: true })
  assert.deepEqual(await bens.next('presence.changed'), { userId: ann.id, online: true })
  await bens.ask('typing.stop', { conversationId })
  await bens.ask('typing.start', { conversationId })
  assert.deepEqual(await anns.next('typing.start'), { conversationId, userId: ben.id })
})

test('when one was here last is seen by everybody, by friends or by nobody, as it is set and as friendships come and go', async (t) => {
  const { chat, ann, ben, anns, bens, keeps } = await twoNodes(t)
  const seen = async (): Promise<boolean> => {
    const [item] = (await anns.ask('presence.subscribe', { userIds: [ben.id] })).data.items
    assert.equal(item.online, false)
    return item.lastSeenAt !== undefined
  }
  await seesOnline(anns, ben)
  bens.close()
  assert.ok((await anns.next('presence.changed')).lastSeenAt)
  await keeps(ben, { lastSeen: 'friends' })
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: false })
  assert.equal(await seen(), false)
  await chat.bus.publish(befriended(ann, ben, 2, true))
  assert.ok((await anns.next('presence.changed')).lastSeenAt)
  assert.equal(await seen(), true)
  await chat.bus.publish(befriended(ann, ben, 1, false))
  assert.equal(await seen(), true, 'old news')
  await keeps(ben, { lastSeen: 'nobody' })
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: false })
  assert.equal(await seen(), false)
  await keeps(ben, { lastSeen: 'friends' })
  assert.ok((await anns.next('presence.changed')).lastSeenAt)
  await chat.bus.publish(befriended(ann, ben, 3, false))
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: false })
  assert.equal(await seen(), false)
  // While he is here again everybody who may watch him sees that, and when he goes still not when that was.
  const again = await chat.device(ben)
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: true })
  again.close()
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: false })
})

test('friends watch each other without a conversation, for as long as they are friends', async (t) => {
  const users = testUsers()
  const chat = await testChat(t, { nodes: 2, users })
  const [ann, ben, eve] = [chat.users.add('ann'), chat.users.add('ben'), chat.users.add('eve')]
  users.befriended = [{ users: [ann.id, ben.id].sort() as [string, string], rev: 1, friends: true }]
  const [anns, eves] = [await chat.device(ann), await chat.device(eve)]
  const watched = async (device: TestDevice) =>
    (await device.ask('presence.subscribe', { userIds: [ben.id] })).data.items
  assert.deepEqual([await watched(anns), await watched(eves)], [[{ userId: ben.id, online: false }], []])
  const bens = await chat.device(ben, { node: 1 })
  assert.deepEqual(await anns.next('presence.changed'), { userId: ben.id, online: true })
  await chat.bus.publish(befriended(ann, ben, 2, false))
  bens.close()
  const again = await chat.device(ben, { node: 1 })
  await again.ask('sync', {})
  assert.deepEqual(await watched(anns), [])
  assert.deepEqual(
    [anns, eves].map((device) => device.told().filter(({ event }) => event === 'presence.changed')),
    [[], []],
  )
})

test('a node keeps to what was set before it started, and until it has read that it shows nothing', async () => {
  const users = testUsers()
  const [ann, ben] = [users.add('ann'), users.add('ben')]
  users.discreet = [{ userId: ben.id, rev: 4, ...OPEN, privateReceipts: true }]
  await using bus = fragileBus(aloneBus({ log }))
  users.away = true
  {
    await using blind = await openDiscretion({ directory: users, bus, log })
    assert.deepEqual([blind.parts('receipts', ann.id, ben.id), blind.parts('presence', ann.id, ben.id)], [true, true])
    assert.equal(blind.parts('receipts', ben.id, ben.id), false)
    assert.equal(blind.of(ann.id).lastSeen, 'nobody')
  }
  users.away = false
  await using discretion = await openDiscretion({ directory: users, bus, log })
  const heard: string[] = []
  discretion.onChange((userId) => heard.push(userId))
  const parts = () => [discretion.parts('receipts', ann.id, ben.id), discretion.parts('presence', ann.id, ben.id)]
  assert.deepEqual(parts(), [true, false])
  await bus.publish(changed(ben, 3, {}))
  assert.deepEqual(parts(), [true, false], 'an event from before')
  bus.cut()
  users.discreet = [{ userId: ben.id, rev: 6, ...OPEN, privatePresence: true }]
  bus.mend()
  while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual([parts(), heard], [[false, true], [ben.id]])
  await bus.publish(changed(ben, 7, {}))
  await bus.publish(changed(ben, 6, { privatePresence: true }))
  // Of her nothing was known so far: what comes late is late all the same.
  await bus.publish(changed(ann, 2, {}))
  await bus.publish(changed(ann, 1, { privatePresence: true }))
  assert.deepEqual(
    [parts(), heard],
    [
      [false, false],
      [ben.id, ben.id],
    ],
  )
})

test('what is heard while a reading is under way is newer than what it reads', async () => {
  const users = testUsers()
  const ben = users.add('ben')
  await using bus = fragileBus(aloneBus({ log }))
  const gate = Promise.withResolvers<void>()
  let readings = 0
  const directory = {
    async privacy() {
      if (readings++ > 0) await gate.promise
      return { items: [{ userId: ben.id, rev: 1, ...OPEN, privateReceipts: true }] }
    },
  }
  const discretion = await openDiscretion({ directory, bus, log })
  assert.equal(discretion.parts('receipts', ben.id, 'x'), true)
  bus.cut()
  bus.mend()
  await bus.publish(changed(ben, 2, {}))
  gate.resolve()
  // Waits for the reading.
  await discretion[Symbol.asyncDispose]()
  assert.equal(readings, 2)
  assert.equal(discretion.parts('receipts', ben.id, 'x'), false)
})

test('friendships are asked for once, kept true by the bus, and asked for again when it was away', async () => {
  const users = testUsers()
  const [ann, ben, eve] = [users.add('ann'), users.add('ben'), users.add('eve')]
  await using bus = fragileBus(aloneBus({ log }))
  let asked = 0
  const directory = {
    friends(pairs: readonly (readonly [string, string])[]) {
      asked += pairs.length
      return users.friends(pairs)
    },
  }
  await using friends = await openFriends({ directory, bus, log })
  const of = async () => [...(await friends.of(ann.id, [ben.id, eve.id]))]
  assert.deepEqual([await of(), await of(), asked], [[], [], 2])
  await bus.publish(befriended(ann, ben, 2, true))
  assert.deepEqual([await of(), asked], [[ben.id], 2])
  users.befriended = [{ users: [ann.id, eve.id].sort() as [string, string], rev: 3, friends: true }]
  bus.cut()
  assert.deepEqual([await of(), await of(), asked], [[eve.id], [eve.id], 6], 'while it is away nothing is remembered')
  bus.mend()
  assert.deepEqual([await of(), await of(), asked], [[eve.id], [eve.id], 8])
  bus.cut()
  users.away = true
  assert.deepEqual(await of(), [], 'who cannot be asked for is a stranger')
})

test('a change of a profile reaches the devices of whoever watches, each as it may see it, once a second and newest last', async (t) => {
  const { chat, ann, ben, anns, bens, quiet } = await twoNodes(t)
  const eve = chat.users.add('eve')
  const eves = await chat.device(eve)
  for (const device of [anns, eves]) await device.ask('presence.subscribe', { userIds: [ben.id] })
  const news = (rev: number, displayName: string) => ({
    ...changed(ben, rev, {}),
    data: {
      person: { ...ben, displayName, rev },
      views: { friend: { bio: 'for friends', viewRev: rev + 10 }, other: { viewRev: rev } },
      privacy: OPEN,
    },
  })
  await chat.bus.publish(news(1, 'Benny'))
  assert.deepEqual(await anns.next('user.changed'), { ...ben, displayName: 'Benny', rev: 1, viewRev: 1 })
  assert.deepEqual(await bens.next('user.changed'), {
    ...ben,
    displayName: 'Benny',
    rev: 1,
    bio: 'for friends',
    viewRev: 1,
  })
  for (const rev of [2, 4, 3, 1]) await chat.bus.publish(news(rev, `Ben ${rev}`))
  await chat.bus.publish(befriended(ann, ben, 1, true))
  const view = { ...ben, displayName: 'Ben 4', rev: 4, bio: 'for friends' }
  assert.deepEqual(await anns.next('user.changed'), { ...view, viewRev: 14 })
  assert.deepEqual(await bens.next('user.changed'), { ...view, viewRev: 4 })
  const { body } = await chat.request(ann, 'GET', '/api/conversations')
  assert.deepEqual(
    body.items[0].members.find(({ userId }: { userId: string }) => userId === ben.id),
    { userId: ben.id, username: 'ben', displayName: 'Ben 4', rev: 4, role: 'member' },
  )
  await quiet(anns, 'user.changed')
  assert.deepEqual(
    eves.told().filter(({ event }) => event === 'user.changed'),
    [],
  )
})
