import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, texts, until } from './parley.fixture.ts'

async function three(t: TestContext) {
  const parley = await openParley(t)
  const users = [
    await register(t, parley, 'ann'),
    await register(t, parley, 'bob'),
    await register(t, parley, 'cat'),
  ] as const
  const [ann, bob, cat] = [
    await signIn(t, parley, users[0]),
    await signIn(t, parley, users[1]),
    await signIn(t, parley, users[2]),
  ]
  return { parley, users, ann, bob, cat }
}

test('a group is created, renamed and grows, and everyone sees the same', async (t) => {
  const { users, ann, bob, cat } = await three(t)
  const group = await ann.createGroup('Tea', [users[1].id])
  assert.equal(group.memberCount, 2)
  await ann.send({ conversationId: group.id }, 'before cat')
  await until(bob, 'the group', () => bob.conversations.get()[0]?.lastMessage?.text === 'before cat')
  assert.deepEqual(cat.conversations.get(), [])
  await bob.addMembers(group.id, [users[2].id])
  await until(cat, 'she is in', () => cat.conversations.get()[0]?.title === 'Tea')
  await ann.renameGroup(group.id, 'Coffee')
  for (const client of [ann, bob, cat]) {
    await until(client, 'the new title', () => client.conversations.get()[0]?.title === 'Coffee')
    await until(client, 'three members', () => client.conversations.get()[0]?.members?.length === 3)
  }
  await cat.send({ conversationId: group.id }, 'hello all')
  for (const client of [ann, bob]) {
    await until(client, 'her message', () => client.conversations.get()[0]?.lastMessage?.text === 'hello all')
    assert.equal(client.conversations.get()[0]?.lastMessage?.sender, 'cat')
  }
  assert.deepEqual(await texts(cat, group.id), ['hello all'], 'a new member sees from the join on')
  assert.deepEqual(await texts(bob, group.id), ['before cat', 'hello all'])
  assert.deepEqual(
    (await bob.members(group.id)).map(({ username, role }) => [username, role]),
    [
      ['ann', 'owner'],
      ['bob', 'member'],
      ['cat', 'member'],
    ],
  )
})

test('a message in a group is read when everyone has read it, and a new member does not take that back', async (t) => {
  const { users, ann, bob, cat } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id])
  await ann.send({ conversationId: id }, 'one')
  await until(bob, 'it arrives', () => bob.conversations.get()[0]?.headSeq === 1)
  const status = (seq: number): string | undefined =>
    ann
      .timeline(id)
      .get()
      .messages.find((message) => message.seq === seq)?.status
  bob.markRead(id, 1)
  await until(ann, 'read', () => status(1) === 'read')
  await ann.addMembers(id, [users[2].id])
  await until(cat, 'she is in', () => cat.conversations.get().length === 1)
  await ann.send({ conversationId: id }, 'two')
  await until(ann, 'delivered to both', () => status(2) === 'delivered')
  assert.equal(status(1), 'read')
  bob.markRead(id, 2)
  await until(ann, "bob's mark", () =>
    ann
      .timeline(id)
      .get()
      .marks.some(({ readSeq }) => readSeq === 2),
  )
  assert.equal(status(2), 'delivered')
  cat.markRead(id, 2)
  await until(ann, 'read by both', () => status(2) === 'read')
})

test('who is removed, or leaves, has nothing of the conversation left, and what they still send is refused', async (t) => {
  const { users, ann, bob, cat } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id, users[2].id])
  await ann.send({ conversationId: id }, 'hello')
  await until(bob, 'he has it', () => bob.conversations.get()[0]?.headSeq === 1)
  await until(cat, 'she has it', () => cat.conversations.get()[0]?.headSeq === 1)
  bob.disconnect()
  await bob.send({ conversationId: id }, 'too late')
  await ann.removeMember(id, users[1].id)
  await cat.leave(id)
  assert.deepEqual(cat.conversations.get(), [])
  const refused = new Promise<string | undefined>((resolve) => bob.on('refused', (item) => resolve(item.refused?.code)))
  bob.connect()
  assert.equal(await refused, 'not_found')
  await settled(bob)
  assert.deepEqual(bob.conversations.get(), [])
  assert.deepEqual(bob.timeline(id).get().messages, [])
  const [item] = bob.timeline(id).get().pending
  assert.equal(item?.status, 'failed')
  await bob.discard(item!.id)
  assert.deepEqual(bob.outbox.get(), [])
  await until(ann, 'she is alone', () => ann.conversations.get()[0]?.memberCount === 1)
})

test('who comes back sees from the new join on, with nothing left from before', async (t) => {
  const { users, ann, bob } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id])
  await ann.send({ conversationId: id }, 'first stay')
  await until(bob, 'he has it', () => bob.conversations.get()[0]?.headSeq === 1)
  bob.disconnect()
  await ann.removeMember(id, users[1].id)
  await ann.send({ conversationId: id }, 'without him')
  await settled(ann)
  await ann.addMembers(id, [users[1].id])
  await ann.send({ conversationId: id }, 'second stay')
  await settled(ann)
  bob.connect()
  await until(bob, 'he is back', () => bob.conversations.get()[0]?.lastMessage?.text === 'second stay')
  assert.deepEqual(await texts(bob, id), ['second stay'])
  assert.equal(bob.conversations.get()[0]?.me.unread, 1)
})

test('who has left is still named on what they wrote, also on a device that was away', async (t) => {
  const { parley, users, ann, bob, cat } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id, users[2].id])
  const storage = memoryStorage()
  const tablet = await signIn(t, parley, users[0], { storage })
  await tablet.close()
  await until(cat, 'the group', () => cat.conversations.get().length === 1)
  await ann.addMembers(id, [(await register(t, parley, 'dan')).id])
  const dan = await signIn(t, parley, { username: 'dan', email: 'dan@example.org' })
  await dan.send({ conversationId: id }, 'I was here')
  await settled(dan)
  await dan.leave(id)
  await bob.send({ conversationId: id }, 'so he was')
  await settled(bob)
  const again = device(t, parley, { storage })
  await again.resume()
  again.connect()
  await until(again, 'both messages', () => again.conversations.get()[0]?.headSeq === 2)
  await again.timeline(id).open()
  assert.deepEqual(
    again
      .timeline(id)
      .get()
      .messages.map(({ sender, text }) => [sender, text]),
    [
      ['dan', 'I was here'],
      ['bob', 'so he was'],
    ],
  )
})

test('a device that is not in use says so, also on a new connection', async (t) => {
  const { parley, users, ann, bob } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id])
  await ann.send({ conversationId: id }, 'hello')
  const ask = { conversationId: id, fromSeq: 1, toSeq: 1, userIds: [users[1].id] }
  /** Resolves when that is what the server knows. */
  const active = async (wanted: boolean): Promise<void> => {
    const signal = AbortSignal.timeout(20_000)
    while ((await parley.chat.standing(ask))?.members[0]?.active !== wanted) await pause(5, undefined, { signal })
  }
  await active(true)
  bob.setActive(false)
  await active(false)
  const here = (yes: boolean) => () => ann.presence.get().get(users[1].id)?.online === yes
  ann.watchPresence([users[1].id])
  await until(ann, 'that he is here', here(true))
  bob.disconnect()
  await until(ann, 'that he went', here(false))
  bob.connect()
  await until(ann, 'that he came back', here(true))
  await active(false)
  bob.setActive(true)
  await active(true)
})

test('typing and presence are told while they last', async (t) => {
  const { users, ann, bob } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id])
  await ann.send({ conversationId: id }, 'hello')
  await until(bob, 'the message', () => bob.conversations.get()[0]?.headSeq === 1)
  ann.setTyping(id, true)
  await until(bob, 'she types', () => bob.timeline(id).get().typing.includes(users[0].id))
  ann.setTyping(id, false)
  await until(bob, 'she stopped', () => bob.timeline(id).get().typing.length === 0)
  bob.watchPresence([users[0].id])
  await until(bob, 'she is here', () => bob.presence.get().get(users[0].id)?.online === true)
  ann.disconnect()
  await until(bob, 'she went', () => bob.presence.get().get(users[0].id)?.online === false)
})

test('roles and description are the same on every device as soon as they change, and offline ones catch up', async (t) => {
  const { users, ann, bob, cat } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id, users[2].id])
  const group = (client: typeof ann) => client.conversations.get()[0]
  for (const client of [bob, cat]) await until(client, 'the group', () => group(client) !== undefined)
  cat.disconnect()
  await ann.describeGroup(id, 'Every Monday')
  await ann.setRole(id, users[1].id, 'admin')
  await until(bob, 'he is an admin', () => group(bob)?.me.role === 'admin')
  assert.equal(group(bob)?.description, 'Every Monday')
  await ann.setRole(id, users[2].id, 'owner')
  await until(bob, 'of another owner', () => group(bob)?.members?.[2]?.role === 'owner')
  cat.connect()
  await until(cat, 'she owns it', () => group(cat)?.me.role === 'owner')
  for (const client of [ann, bob, cat]) {
    await settled(client)
    assert.deepEqual(
      group(client)?.members?.map(({ role }) => role),
      ['admin', 'admin', 'owner'],
    )
    assert.equal(group(client)?.description, 'Every Monday')
  }
  assert.equal(group(ann)?.me.role, 'admin')
  await cat.describeGroup(id, '')
  await until(ann, 'no description', () => group(ann)?.description === undefined)
  const refusal = await ann.setRole(id, users[1].id, 'member').catch((error) => error.problem.code)
  assert.equal(refusal, 'action.forbidden')
})

test('by the code of an invite one comes in, on all of one’s devices; a lost reply makes no second invite and no second use', async (t) => {
  const { parley, users, ann, bob, cat } = await three(t)
  const { id } = await ann.createGroup('Tea', [users[1].id])
  const cats = await signIn(t, parley, users[2])
  const losing = parley.lose('"maxUses":2')
  await assert.rejects(ann.createInvite(id, { maxUses: 2 }))
  await losing
  const invite = await ann.createInvite(id, { maxUses: 2 })
  assert.deepEqual(await ann.invites(id), [invite])
  assert.deepEqual(await cat.previewInvite(invite.code), { title: 'Tea', memberCount: 2, joined: false })
  const lost = parley.lose('"memberCount":3')
  const first = cat.joinByInvite(invite.code).catch(() => undefined)
  await lost
  await first
  assert.equal((await cat.joinByInvite(invite.code)).title, 'Tea')
  assert.equal((await ann.invites(id))[0]?.uses, 1)
  for (const client of [cat, cats]) {
    await until(client, 'she is in', () => client.conversations.get()[0]?.id === id)
    await settled(client)
  }
  await until(bob, 'she is in', () => bob.conversations.get()[0]?.memberCount === 3)
  await ann.revokeInvite(id, invite.id)
  assert.equal(await bob.previewInvite(invite.code).then(({ joined }) => joined), true)
  assert.deepEqual(await ann.invites(id), [])
})
