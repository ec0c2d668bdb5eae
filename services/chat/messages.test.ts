import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import { testChat } from './chat.fixture.ts'
import type { Conversation } from './conversation.ts'
import { rawDevice } from './socket/raw.fixture.ts'

test('a message is acknowledged to its sender and reaches every device of the receiver and the sender’s other one', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [phone, laptop, bobs1, bobs2] = [
    await chat.device(ann),
    await chat.device(ann),
    await chat.device(bob),
    await chat.device(bob),
  ]
  const id = randomUUID()
  const ack = await phone.ask('message.send', { id, receiverId: bob.id, text: 'Hello there!' })
  assert.equal(ack.ok, true)
  assert.deepEqual(Object.keys(ack.data).sort(), ['conversationId', 'createdAt', 'id', 'rev', 'seq'])
  assert.equal(ack.data.seq, 1)
  for (const device of [laptop, bobs1, bobs2]) {
    const message = await device.next('message.new')
    assert.equal(message.text, 'Hello there!')
    assert.equal(message.sender, 'ann')
    assert.equal(message.id, id)
    assert.equal(message.createdAt, ack.data.createdAt)
  }
  assert.deepEqual(
    phone.told().filter((e) => e.event === 'message.new'),
    [],
  )
})

test('a message sent over and over, on two sockets and over HTTP at once, is one message with one reply', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [one, two, bobs] = [await chat.device(ann), await chat.device(ann), await chat.device(bob)]
  const id = randomUUID()
  const replies = await Promise.all([
    ...[one, two, one, two].map(
      async (d) => (await d.ask('message.send', { id, receiverId: bob.id, text: 'once' })).data,
    ),
    ...[1, 2, 3].map(async () => {
      const { status, body } = await chat.request(ann, 'POST', '/api/messages/send', {
        id,
        receiverId: bob.id,
        message: 'once',
      })
      assert.equal(status, 201)
      assert.equal(body.status, 'success')
      assert.equal(body.message, 'Message sent successfully')
      const { status: _, message: __, ...reply } = body
      return reply
    }),
  ])
  for (const reply of replies) assert.deepEqual(reply, replies[0])
  await bobs.next('message.new')
  const { body } = await chat.request(bob, 'GET', `/api/messages/get/${ann.id}`)
  assert.deepEqual(
    body.conversation.map((m: { message: string }) => m.message),
    ['once'],
  )
})

test('an id used again for another text, or by another member, is a conflict and stores nothing', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const id = randomUUID()
  await anns.ask('message.send', { id, receiverId: bob.id, text: 'first' })
  const other = await anns.ask('message.send', { id, receiverId: bob.id, text: 'second' })
  assert.equal(other.error.code, 'message.id_conflict')
  assert.equal(other.error.status, 409)
  assert.equal(
    (await bobs.ask('message.send', { id, receiverId: ann.id, text: 'first' })).error.code,
    'message.id_conflict',
  )
  const { body } = await chat.request(ann, 'GET', `/api/messages/get/${bob.id}`)
  assert.equal(body.conversation.length, 1)
})

test('a repeat gets its first reply even after its sender was removed or sends too fast', async (t) => {
  const chat = await testChat(t, { limits: { sendsPerSecond: 1, sendBurst: 3 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'Both', memberIds: [bob.id] })
  const bobs = await chat.device(bob)
  const sent = { id: randomUUID(), conversationId: group.id, text: 'mine' }
  const first = await bobs.ask('message.send', sent)
  assert.equal(first.ok, true)
  for (let n = 0; n < 2; n++) await bobs.ask('message.send', { ...sent, id: randomUUID() })
  const limited = await bobs.ask('message.send', { ...sent, id: randomUUID() })
  assert.equal(limited.error.code, 'rate.limited')
  assert.ok(limited.error.retryAfterMs > 0)
  assert.deepEqual(await bobs.ask('message.send', sent), first)
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  assert.deepEqual(await bobs.ask('message.send', sent), first)
  assert.equal((await bobs.ask('message.send', { ...sent, text: 'other' })).error.code, 'message.id_conflict')
})

test('strangers, former members and unknown conversations get the same refusal', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const eves = await chat.device(eve)
  const bobs = await chat.device(bob)
  const id = randomUUID()
  assert.equal((await bobs.ask('message.send', { id, conversationId: group.id, text: 'known' })).ok, true)
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  const refusals = []
  for (const [device, conversationId, messageId] of [
    [eves, group.id, randomUUID()],
    [eves, group.id, id],
    [eves, randomUUID(), randomUUID()],
    [bobs, group.id, randomUUID()],
  ] as const) {
    const { error } = await device.ask('message.send', { id: messageId, conversationId, text: 'let me in' })
    const { requestId: _, ...refusal } = error
    refusals.push(refusal)
  }
  assert.equal(refusals[0].code, 'not_found')
  for (const refusal of refusals) assert.deepEqual(refusal, refusals[0])
  const unknown = await eves.ask('message.send', { id: randomUUID(), receiverId: randomUUID(), text: 'anyone?' })
  assert.equal(unknown.error.detail, refusals[0].detail)
})

test('messages of one device keep their order, however many are under way', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const texts = Array.from({ length: 16 }, (_, n) => `message ${n}`)
  const acks = await Promise.all(
    texts.map((text) => anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text })),
  )
  assert.deepEqual(
    acks.map((ack) => ack.data?.seq),
    texts.map((_, n) => n + 1),
  )
  const { body } = await chat.request(bob, 'GET', `/api/messages/get/${ann.id}`)
  assert.deepEqual(
    body.conversation.map((m: { message: string }) => m.message),
    texts,
  )
})

test('messages of one device to a group keep their order, by whichever name each calls the group', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const raw = await rawDevice(t, chat.nodes[0]!.url, chat.users.token(ann))
  const names = [{ receiverId: body.id }, { conversationId: body.id }]
  for (let n = 0; n < 8; n++) {
    const message = { id: randomUUID(), ...names[n % 2], text: `${n}` }
    raw.send(`42${n}${JSON.stringify(['message.send', message])}`)
  }
  for (let n = 0; n < 8; n++) assert.match(await raw.frame(`43${n}[`), new RegExp(`"seq":${n + 1},`))
})

test('a message to what is no conversation goes to none, though one to the user of that id is under way', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const say = (to: object, id = randomUUID()) => anns.ask('message.send', { id, ...to, text: 'x' })
  const last = randomUUID()
  const [right, wrong, next] = [
    say({ receiverId: bob.id }),
    say({ conversationId: bob.id }),
    say({ receiverId: bob.id }, last),
  ]
  assert.equal((await right).data.seq, 1)
  assert.equal((await wrong).error.code, 'not_found')
  assert.equal((await next).error.code, 'unavailable', 'it left before the refusal was heard')
  assert.equal((await say({ receiverId: bob.id }, last)).data.seq, 2)
})

test('after a refusal that may pass, later messages wait until the refused one was sent again', async (t) => {
  const chat = await testChat(t, { limits: { sendsPerSecond: 5, sendBurst: 1 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const send = (id: string) => anns.ask('message.send', { id, receiverId: bob.id, text: id })
  const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
  const [ok, refused, behind] = await Promise.all([send(first), send(second), send(third)])
  assert.equal(ok.ok, true)
  assert.equal(refused.error.code, 'rate.limited')
  assert.equal(behind.error.code, 'unavailable')
  assert.equal(behind.error.retryable, true)
  const resend = async (id: string) => {
    for (;;) {
      const ack = await send(id)
      if (ack.ok) return ack.data
      await setTimeout(ack.error.retryAfterMs)
    }
  }
  assert.equal((await resend(second)).seq, 2)
  assert.equal((await resend(third)).seq, 3)
})

test('who is let in again while messages are on their way has them in the order they were written, whatever of their refusals is heard', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [] })
  const ids = Array.from({ length: 3 }, () => randomUUID())
  const first = await chat.device(bob)
  const send = (device: typeof first, id: string) =>
    device.ask('message.send', { id, conversationId: group.id, text: id })
  assert.equal((await send(first, ids[0]!)).error.code, 'not_found')
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [bob.id] })
  // On its way when the first was refused; the connection breaks, and the refusal is lost.
  assert.equal((await send(first, ids[1]!)).error.code, 'unavailable')
  first.close()
  const second = await chat.device(bob)
  for (const id of ids) assert.equal((await send(second, id)).ok, true)
  const { body } = await chat.request(bob, 'GET', `/api/conversations/${group.id}/messages`)
  assert.deepEqual(
    body.items.map(({ id }: { id: string }) => id),
    ids,
  )
})

test('what a connection left behind is not stored after one of it was refused, however long that takes', async (t) => {
  let armed = false
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const chat = await testChat(t, {
    // The second message waits here.
    store: (store) => ({
      ...store,
      epoch: store.epoch,
      healthy: true,
      log: {
        ...store.log,
        async cachedConversation(id, membersRev) {
          const now = await store.log.cachedConversation(id, membersRev)
          if (!armed) return now
          armed = false
          reached.resolve()
          await go.promise
          return now
        },
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [] })
  const bobs = await chat.device(bob)
  const message = () => ({ id: randomUUID(), conversationId: group.id, text: 'x' })
  assert.equal((await bobs.ask('message.send', message())).error.code, 'not_found')
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [bob.id] })
  armed = true
  bobs.socket.emit('message.send', message())
  await reached.promise
  bobs.close()
  // It comes after the other has gone.
  const again = await chat.device(bob)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 })
  go.resolve()
  // Nothing else is waited for until it is decided.
  await setImmediate()
  t.mock.timers.reset()
  assert.equal((await again.ask('message.send', message())).data.seq, 1)
})

test('messages of one device keep their order while members come and go', async (t) => {
  const chat = await testChat(t, { limits: { sendBurst: 1_000 } })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const bobs = await chat.device(bob)
  const texts: string[] = []
  for (let round = 0; round < 10; round++) {
    const path = `/api/conversations/${group.id}/members`
    const change =
      round % 2 === 0
        ? chat.request(ann, 'POST', path, { userIds: [cleo.id] })
        : chat.request(ann, 'DELETE', `${path}/${cleo.id}`)
    const sends = Array.from({ length: 12 }, (_, n) => {
      texts.push(`${round}.${n}`)
      return bobs.ask('message.send', { id: randomUUID(), conversationId: group.id, text: `${round}.${n}` })
    })
    for (const ack of await Promise.all(sends)) assert.equal(ack.ok, true, JSON.stringify(ack))
    assert.ok((await change).status < 300)
  }
  const { body } = await chat.request(bob, 'GET', `/api/conversations/${group.id}/messages?limit=200`)
  assert.deepEqual(
    body.items.map((m: { text: string }) => m.text),
    texts,
  )
})

test('a message that has to be decided on again is not overtaken by the next of its device', async (t) => {
  let old: Conversation | undefined
  let slow = false
  const chat = await testChat(t, {
    // Membership changes on another node between the look and the append; and the second look takes its time.
    store: (store) => ({
      ...store,
      epoch: store.epoch,
      healthy: true,
      log: {
        ...store.log,
        async cachedConversation(id, membersRev) {
          const now = await store.log.cachedConversation(id, membersRev)
          if (membersRev !== undefined || !old) return now
          const before = old
          old = undefined
          slow = true
          return before
        },
        async findConversation(id) {
          if (slow) {
            slow = false
            await setTimeout(100)
          }
          return store.log.findConversation(id)
        },
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  })
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const bobs = await chat.device(bob)
  const before = await chat.store.log.findConversation(group.id)
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [cleo.id] })
  old = before
  const acks = await Promise.all(
    ['one', 'two', 'three'].map((text) =>
      bobs.ask('message.send', { id: randomUUID(), conversationId: group.id, text }),
    ),
  )
  assert.deepEqual(
    acks.map((ack) => ack.data?.seq),
    [1, 2, 3],
  )
})

test('more sends at once than the window are refused and may come again', async (t) => {
  const chat = await testChat(t, { limits: { sendWindow: 2 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const acks = await Promise.all(
    [1, 2, 3, 4].map((n) => anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: `${n}` })),
  )
  assert.deepEqual(
    acks.map((a) => a.ok),
    [true, true, false, false],
  )
  assert.equal(acks[2].error.code, 'unavailable')
})

test('identity, position and time in a send are the server’s to say', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const forged = {
    senderId: bob.id,
    sender: 'bob',
    seq: 99,
    rev: 99,
    createdAt: '2001-01-01T00:00:00.000Z',
    status: 'read',
  }
  const ack = await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'hi', ...forged })
  assert.equal(ack.data.seq, 1)
  const message = await bobs.next('message.new')
  assert.equal(message.senderId, ann.id)
  assert.equal(message.sender, 'ann')
  assert.ok(Math.abs(Date.parse(message.createdAt) - Date.now()) < 60_000)
  assert.equal('status' in message, false)
})

test('one may write to oneself', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  const { status } = await chat.request(ann, 'POST', '/api/messages/send', { receiverId: ann.id, message: 'note' })
  assert.equal(status, 201)
  const { body } = await chat.request(ann, 'GET', `/api/messages/get/${ann.id}`)
  assert.deepEqual(
    body.conversation.map((m: { sender: string; message: string }) => [m.sender, m.message]),
    [['ann', 'note']],
  )
})

test('a store that cannot look up the conversation refuses the message, and harms nobody else', async (t) => {
  let away = false
  const chat = await testChat(t, {
    store: (store) => ({
      ...store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      log: {
        ...store.log,
        cachedConversation: async (id, membersRev) => {
          if (away) throw new Fault('unavailable', 'The store is away')
          return store.log.cachedConversation(id, membersRev)
        },
      },
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const message = { id: randomUUID(), receiverId: bob.id, text: 'hello' }
  away = true
  const refused = await anns.ask('message.send', message)
  assert.equal(refused.error.code, 'unavailable')
  assert.equal(refused.error.retryable, true)
  away = false
  assert.equal((await anns.ask('message.send', message)).ok, true)
})
