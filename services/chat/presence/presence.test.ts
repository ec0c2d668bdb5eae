import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { testChat } from '../chat.fixture.ts'
import { until } from '../store/contract/world.ts'

test('presence is seen by those who share a conversation: two tabs, one closed, is still online', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  const [anns, eves] = [await chat.device(ann, { node: 1 }), await chat.device(eve)]
  const watched = await anns.ask('presence.subscribe', { userIds: [bob.id, eve.id] })
  assert.deepEqual(
    watched.data.items.map((i: object) => ({ ...i })),
    [{ userId: bob.id, online: false }],
  )
  assert.deepEqual((await eves.ask('presence.subscribe', { userIds: [ann.id, bob.id] })).data.items, [])
  const [one, two] = [await chat.device(bob), await chat.device(bob)]
  assert.deepEqual(await anns.next('presence.changed'), { userId: bob.id, online: true })
  one.close()
  await two.ask('sync', {})
  const again = await anns.ask('presence.subscribe', { userIds: [bob.id] })
  assert.equal(again.data.items[0].online, true)
  two.close()
  const gone = await anns.next('presence.changed')
  assert.equal(gone.online, false)
  assert.ok(Date.parse(gone.lastSeenAt) > 0)
  assert.deepEqual(
    [anns, eves].map((d) => d.told()),
    [[], []],
  )
})

test('someone met only in a group is watched, until one leaves it', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob.id, cleo.id],
  })
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: cleo.id, message: 'hi' })
  const anns = await chat.device(ann)
  assert.equal((await anns.ask('presence.subscribe', { userIds: [bob.id, cleo.id] })).data.items.length, 2)
  await chat.device(bob)
  assert.equal((await anns.next('presence.changed')).userId, bob.id)
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  await chat.device(bob)
  const bobs = await chat.device(bob)
  bobs.close()
  await chat.device(cleo)
  assert.equal((await anns.next('presence.changed')).userId, cleo.id)
  assert.deepEqual(
    anns.told().filter((e) => e.event === 'presence.changed'),
    [],
  )
})

test('a device says whether it is in use; that is kept for the pushes, and shown to nobody', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  await anns.ask('presence.subscribe', { userIds: [bob.id] })
  const active = () => chat.store.presence.active([bob.id])
  await until(async () => (await active()).length === 1)
  assert.deepEqual((await bobs.ask('presence.active', { active: false })).data, {})
  await until(async () => (await active()).length === 0)
  assert.equal((await bobs.ask('presence.active', {})).error.code, 'validation.failed')
  await bobs.ask('presence.active', { active: true })
  await until(async () => (await active()).length === 1)
  const again = await anns.ask('presence.subscribe', { userIds: [bob.id] })
  assert.deepEqual({ ...again.data.items[0] }, { userId: bob.id, online: true })
  assert.deepEqual(
    anns.told().filter((e) => e.event === 'presence.changed' && (e.data as { online: boolean }).online === false),
    [],
  )
})

test('typing is told to the other members only, not oftener than it may, and ends with the device', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const [phone, laptop] = [await chat.device(ann), await chat.device(ann)]
  const [bobs, eves] = [await chat.device(bob, { node: 1 }), await chat.device(eve)]
  for (let n = 0; n < 5; n++) assert.deepEqual((await phone.ask('typing.start', { conversationId: group.id })).data, {})
  assert.deepEqual(await bobs.next('typing.start'), { conversationId: group.id, userId: ann.id })
  assert.equal((await eves.ask('typing.start', { conversationId: group.id })).error.code, 'not_found')
  phone.close()
  assert.deepEqual(await bobs.next('typing.stop'), { conversationId: group.id, userId: ann.id })
  await laptop.ask('message.send', { id: randomUUID(), conversationId: group.id, text: 'done' })
  assert.equal((await bobs.next('message.new')).text, 'done')
  assert.deepEqual(
    [bobs, eves, laptop].map((d) => d.told().filter((e) => e.event.startsWith('typing'))),
    [[], [], []],
  )
})

test('of many that subscribe at once a device gets the first and the last: those between are refused', async (t) => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const chat = await testChat(t, {
    store: (store) => ({
      ...store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      inbox: {
        ...store.inbox,
        async conversationIds(userId, limit) {
          asked.resolve()
          await answer.promise
          return store.inbox.conversationIds(userId, limit)
        },
      },
    }),
  })
  t.after(() => answer.resolve())
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: cleo.id, message: 'hi' })
  const anns = await chat.device(ann)
  const first = anns.ask('presence.subscribe', { userIds: [bob.id] })
  await asked.promise
  const between = Array.from({ length: 5 }, () => anns.ask('presence.subscribe', { userIds: [bob.id] }))
  const last = anns.ask('presence.subscribe', { userIds: [cleo.id] })
  for (const ack of await Promise.all(between)) assert.equal(ack.error.code, 'rate.limited')
  answer.resolve()
  const watched = (ack: { data: { items: { userId: string }[] } }) => ack.data.items.map((item) => item.userId)
  assert.deepEqual(watched(await first), [bob.id])
  assert.deepEqual(watched(await last), [cleo.id])
  await chat.device(bob)
  await chat.device(cleo)
  assert.equal((await anns.next('presence.changed')).userId, cleo.id)
})

test('to ask for strangers, or again for the same, reads next to nothing; who asks too often must wait', async (t) => {
  let reads = 0
  const chat = await testChat(t, {
    store: (store) => ({
      ...store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      log: {
        ...store.log,
        cachedConversation(id, membersRev) {
          reads++
          return store.log.cachedConversation(id, membersRev)
        },
      },
      inbox: {
        ...store.inbox,
        conversationIds(userId, limit) {
          reads++
          return store.inbox.conversationIds(userId, limit)
        },
      },
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  const anns = await chat.device(ann)
  const readsOf = async (userIds: string[]) => {
    const before = reads
    const { data } = await anns.ask('presence.subscribe', { userIds })
    assert.equal(data.items.length, 1)
    return reads - before
  }
  const strangers = Array.from({ length: 499 }, () => randomUUID())
  assert.equal(await readsOf([bob.id, ...strangers]), 2, 'the list and one conversation')
  assert.equal(await readsOf([bob.id]), 1, 'the conversation by which he is known')
  // However slow this machine is, asking at once is faster than what is allowed.
  const asked = await Promise.all(
    Array.from({ length: 20 }, () => anns.ask('presence.subscribe', { userIds: strangers })),
  )
  const refused = asked.filter(({ error }) => error?.code === 'rate.limited')
  assert.ok(refused.length >= 5 && refused[0]!.error.retryAfterMs > 0)
})
