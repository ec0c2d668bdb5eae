import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { PublicUser } from '@parley/protocol/user'
import { testChat } from './chat.fixture.ts'

test('a group is created with its members, who hear of it; its creator owns it', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const [bobs, eves] = [await chat.device(bob), await chat.device(eve)]
  const { status, body } = await chat.request(ann, 'POST', '/api/conversations', {
    title: ' Team ',
    memberIds: [bob.id, ann.id, bob.id],
  })
  assert.equal(status, 201)
  assert.equal(body.title, 'Team')
  assert.deepEqual(body.members, [
    { userId: ann.id, username: 'ann', role: 'owner' },
    { userId: bob.id, username: 'bob', role: 'member' },
  ])
  const { entry } = await bobs.next('conversation.updated')
  assert.equal(entry.kind, 'created')
  assert.equal(entry.conversationId, body.id)
  assert.deepEqual(eves.told(), [])
})

test('the same Idempotency-Key makes one group, with the same reply, and is refused for another', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const key = { 'idempotency-key': 'k-1' }
  const create = (title: string) => chat.request(ann, 'POST', '/api/conversations', { title, memberIds: [bob.id] }, key)
  const [one, two] = await Promise.all([create('Team'), create('Team')])
  assert.deepEqual(one, two)
  await chat.request(ann, 'PATCH', `/api/conversations/${one!.body.id}`, { title: 'Renamed' })
  assert.deepEqual(await create('Team'), one)
  const other = await create('Other')
  assert.equal(other.status, 422)
  assert.equal(other.body.code, 'idempotency.mismatch')
  const bobs = await chat.request(bob, 'POST', '/api/conversations', { title: 'Team', memberIds: [ann.id] }, key)
  assert.equal(bobs.status, 201)
  assert.notEqual(bobs.body.id, one!.body.id)
  assert.equal(
    (
      await chat.request(
        ann,
        'POST',
        '/api/conversations',
        { title: 'x', memberIds: [] },
        { 'idempotency-key': 'with space' },
      )
    ).status,
    400,
  )
})

test('members add, only the owner removes and renames, and each may leave', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${group.id}`
  assert.equal((await chat.request(bob, 'PATCH', path, { title: 'Mine' })).body.code, 'action.forbidden')
  assert.equal((await chat.request(bob, 'DELETE', `${path}/members/${ann.id}`)).body.code, 'action.forbidden')
  const added = await chat.request(bob, 'POST', `${path}/members`, { userIds: [eve.id, ann.id] })
  assert.equal(added.status, 201)
  assert.deepEqual(
    added.body.items.map((m: { username: string }) => m.username),
    ['ann', 'bob', 'eve'],
  )
  assert.equal((await chat.request(ann, 'PATCH', path, { title: 'Ours' })).body.title, 'Ours')
  assert.equal((await chat.request(ann, 'DELETE', `${path}/members/${ann.id}`)).status, 204)
  const { body } = await chat.request(bob, 'GET', `${path}/members`)
  assert.deepEqual(
    body.items.map((m: { username: string; role: string }) => [m.username, m.role]),
    [
      ['bob', 'owner'],
      ['eve', 'member'],
    ],
  )
  assert.equal((await chat.request(bob, 'DELETE', `${path}/members/${eve.id}`)).status, 204)
  assert.equal((await chat.request(bob, 'DELETE', `${path}/members/${eve.id}`)).status, 204)
})

test('the same Idempotency-Key adds members once, so that a late repeat brings nobody back', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob, cem, dan] = ['ann', 'bob', 'cem', 'dan'].map((name) => chat.users.add(name)) as PublicUser[]
  const { body: group } = await chat.request(ann!, 'POST', '/api/conversations', { title: 'G', memberIds: [bob!.id] })
  const path = `/api/conversations/${group.id}/members`
  const add = (userIds: string[], key: string, as = bob!, node = 0) =>
    chat.request(as, 'POST', path, { userIds }, { 'idempotency-key': key }, node)
  const names = async () =>
    (await chat.request(ann!, 'GET', path)).body.items.map(({ username }: { username: string }) => username)
  const twice = await Promise.all([add([cem!.id], 'k', bob!, 0), add([cem!.id], 'k', bob!, 1)])
  assert.deepEqual([twice[0].status, twice[0]], [201, twice[1]])
  assert.deepEqual(await add([cem!.id, cem!.id], 'k'), twice[0], 'the same again, the same answer')
  assert.equal((await add([dan!.id], 'k')).body.code, 'idempotency.mismatch')
  await chat.request(ann!, 'DELETE', `${path}/${cem!.id}`)
  assert.equal((await add([cem!.id], 'k')).status, 201)
  assert.deepEqual(await names(), ['ann', 'bob'])
  chat.users.delete(dan!)
  assert.equal((await add([cem!.id], 'k', ann!)).status, 201, 'keys belong to who made them')
  assert.deepEqual(await names(), ['ann', 'bob', 'cem'])
  await chat.request(ann!, 'DELETE', `${path}/${bob!.id}`)
  assert.equal((await add([cem!.id], 'k')).status, 404, 'who is out is told what a stranger is told')
  const kinds = await chat.request(ann!, 'GET', `/api/conversations/${group.id}/log?after=0&limit=50`)
  assert.equal(kinds.body.items.filter(({ kind }: { kind: string }) => kind === 'members.added').length, 2)
})

test('a stranger, a former member and someone who asks for nothing that exists are told the same on every route', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: group.id, message: 'secret' })
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  const routes: [string, string, object?][] = [
    ['GET', '/api/conversations/:id'],
    ['PATCH', '/api/conversations/:id', { title: 'x' }],
    ['GET', '/api/conversations/:id/members'],
    ['POST', '/api/conversations/:id/members', { userIds: [eve.id] }],
    ['DELETE', `/api/conversations/:id/members/${ann.id}`],
    ['DELETE', `/api/conversations/:id/members/${eve.id}`],
    ['GET', '/api/conversations/:id/messages'],
    ['GET', '/api/conversations/:id/log?after=0'],
    ['POST', '/api/conversations/:id/receipts', { readSeq: 1 }],
    ['GET', '/api/messages/get/:id'],
    ['POST', '/api/messages/send', { receiverId: ':id', message: 'x' }],
  ]
  for (const [method, path, body] of routes) {
    const refusals = []
    for (const [user, id] of [
      [eve, group.id],
      [bob, group.id],
      [eve, randomUUID()],
    ] as const) {
      const sent = body && JSON.parse(JSON.stringify(body).replace(':id', id))
      const reply = await chat.request(user, method, path.replace(':id', id), sent)
      const { requestId: _, ...refusal } = reply.body
      refusals.push([reply.status, refusal])
    }
    assert.equal(refusals[0]![0], 404, `${method} ${path}`)
    for (const refusal of refusals) assert.deepEqual(refusal, refusals[0], `${method} ${path}`)
  }
})

test('no one can be added who does not exist, nor more than a group holds', async (t) => {
  const chat = await testChat(t, { limits: { groupMembers: 3 } })
  const [ann, bob, cleo, dan] = ['ann', 'bob', 'cleo', 'dan'].map((name) => chat.users.add(name))
  const created = await chat.request(ann!, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob!.id, randomUUID()],
  })
  assert.equal(created.status, 404)
  const full = await chat.request(ann!, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob!.id, cleo!.id, dan!.id],
  })
  assert.equal(full.status, 400)
  const { body: group } = await chat.request(ann!, 'POST', '/api/conversations', { title: 'G', memberIds: [bob!.id] })
  const add = (ids: string[]) => chat.request(bob!, 'POST', `/api/conversations/${group.id}/members`, { userIds: ids })
  assert.equal((await add([randomUUID()])).status, 404)
  assert.equal((await add([cleo!.id, dan!.id])).status, 400)
  const racing = await Promise.all([add([cleo!.id]), add([dan!.id])])
  assert.deepEqual(racing.map((r) => r.status).sort(), [201, 400])
})

test('no one is put into more conversations than one may be in, whoever does it, and others are not told of whom', async (t) => {
  const chat = await testChat(t, { limits: { conversationsPerUser: 3 } })
  const [ann, bob, cleo, dan] = [
    chat.users.add('ann'),
    chat.users.add('bob'),
    chat.users.add('cleo'),
    chat.users.add('dan'),
  ]
  const create = (who: typeof ann, memberIds: string[]) =>
    chat.request(who, 'POST', '/api/conversations', { title: 'G', memberIds })
  const groups = []
  for (let n = 0; n < 3; n++) groups.push((await create(bob, [])).body.id)
  const { body: team } = await create(ann, [cleo.id])
  const own = await create(bob, [])
  const refusals = [
    await create(ann, [cleo.id, bob.id]),
    await chat.request(ann, 'POST', `/api/conversations/${team.id}/members`, { userIds: [dan.id, bob.id] }),
    await chat.request(ann, 'PUT', `/api/conversations/direct/${bob.id}`),
    await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' }),
  ]
  assert.match(own.body.detail, /You are in 3/)
  for (const { status, body } of [own, ...refusals]) assert.deepEqual([status, body.code], [403, 'action.forbidden'])
  assert.equal(new Set(refusals.map(({ body }) => body.detail)).size, 1)
  assert.doesNotMatch(refusals[0]!.body.detail, /bob|3/)
  // Nobody was added with those who could be.
  assert.equal((await chat.request(ann, 'GET', `/api/conversations/${team.id}/members`)).body.items.length, 2)
  // Where one is already, one may be added again and be written to.
  const again = await chat.request(bob, 'POST', `/api/conversations/${groups[0]}/members`, {
    userIds: [bob.id, dan.id],
  })
  assert.equal(again.status, 201)
  await chat.request(bob, 'DELETE', `/api/conversations/${groups[0]}/members/${bob.id}`)
  assert.equal(
    (await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })).status,
    201,
  )
  assert.equal((await create(bob, [])).status, 403)
  assert.equal((await chat.request(bob, 'PUT', `/api/conversations/direct/${ann.id}`)).status, 200)
})

test('a removed member is told at once, hears nothing more, and sees from the new join on when added again', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const say = (text: string) => anns.ask('message.send', { id: randomUUID(), conversationId: group.id, text })
  await say('before')
  assert.equal((await bobs.next('message.new')).text, 'before')
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  assert.deepEqual(await bobs.next('conversation.updated'), { conversationId: group.id, gone: true, rev: 3 })
  assert.equal((await anns.next('conversation.updated')).entry.kind, 'members.removed')
  await say('meanwhile')
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [bob.id] })
  const { entry } = await bobs.next('conversation.updated')
  assert.equal(entry.kind, 'members.added')
  await say('after')
  assert.equal((await bobs.next('message.new')).text, 'after')
  const { body: page } = await chat.request(bob, 'GET', `/api/conversations/${group.id}/messages`)
  assert.deepEqual(
    page.items.map((m: { text: string }) => m.text),
    ['after'],
  )
  const { body: log } = await chat.request(bob, 'GET', `/api/conversations/${group.id}/log?after=0`)
  assert.equal(log.items[0].rev, entry.rev)
})

test('a direct conversation is one, whoever opens it, and hidden until someone writes', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const open = (who: typeof ann, other: typeof ann) => chat.request(who, 'PUT', `/api/conversations/direct/${other.id}`)
  const bobs = await chat.device(bob)
  const [byAnn, byBob] = await Promise.all([open(ann, bob), open(bob, ann)])
  assert.equal(byAnn!.body.id, byBob!.body.id)
  assert.equal(byAnn!.body.title, 'bob')
  assert.equal(byBob!.body.title, 'ann')
  assert.deepEqual((await chat.request(bob, 'GET', '/api/conversations')).body.items, [])
  assert.deepEqual(bobs.told(), [])
  assert.equal((await chat.request(ann, 'PUT', `/api/conversations/direct/${randomUUID()}`)).status, 404)
  const path = `/api/conversations/${byAnn!.body.id}`
  assert.equal((await chat.request(ann, 'PATCH', path, { title: 'x' })).body.code, 'action.forbidden')
  assert.equal((await chat.request(ann, 'DELETE', `${path}/members/${ann.id}`)).body.code, 'action.forbidden')
  assert.equal(
    (await chat.request(ann, 'POST', `${path}/members`, { userIds: [bob.id] })).body.code,
    'action.forbidden',
  )
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  const { body: list } = await chat.request(bob, 'GET', '/api/conversations')
  assert.deepEqual(
    list.items.map((c: { title: string; lastMessage: { text: string } }) => [c.title, c.lastMessage.text]),
    [['ann', 'hi']],
  )
})

test('nothing about a person but id and name leaves the service', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const { body } = await chat.request(ann, 'GET', `/api/conversations/${group.id}/members`)
  for (const member of body.items) assert.deepEqual(Object.keys(member).sort(), ['role', 'userId', 'username'])
})

test('a direct conversation that only the other has opened answers as one that does not exist, until something is said', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: opened } = await chat.request(ann, 'PUT', `/api/conversations/direct/${bob.id}`)
  const timer = (who: PublicUser, id: string) =>
    chat.request(who, 'PUT', `/api/conversations/${id}/timer`, { afterMs: 3_600_000 })
  assert.equal((await timer(ann, opened.id)).status, 200)
  const asked = async (id: string) => {
    const replies = []
    for (const [method, path, body] of [
      ['GET', ''],
      ['GET', '/log?after=0'],
      ['GET', '/messages'],
      ['GET', '/members'],
      ['GET', '/mentions'],
      ['GET', '/pins'],
      ['GET', '/own?after=0'],
      ['PATCH', '/settings', { archived: true }],
      ['POST', '/receipts', { readSeq: 0 }],
      ['POST', '/own', { seqs: [1], starred: true }],
      ['PUT', '/timer', { afterMs: null }],
      ['PUT', '/messages/1/pin'],
    ] as const)
      for (const node of [0, 1])
        replies.push(await chat.request(bob, method, `/api/conversations/${id}${path}`, body, {}, node))
    for (const to of [{ receiverId: id }])
      replies.push(await chat.request(bob, 'POST', '/api/messages/send', { ...to, message: 'hi' }))
    replies.push(await chat.request(bob, 'GET', `/api/messages/get/${id}`))
    const device = await chat.device(bob)
    replies.push((await device.ask('message.send', { id: randomUUID(), conversationId: id, text: 'hi' })).error)
    replies.push((await device.ask('typing.start', { conversationId: id })).error)
    return replies.map((reply) =>
      JSON.parse(JSON.stringify(reply, (key, value) => (key === 'requestId' ? 0 : value)).replaceAll(id, 'ID')),
    )
  }
  assert.deepEqual(await asked(opened.id), await asked(randomUUID()))
  assert.deepEqual((await chat.request(bob, 'GET', `/api/messages/get/${ann.id}`)).body, { conversation: [] })
  assert.equal((await chat.request(ann, 'GET', `/api/conversations/${opened.id}`)).body.disappearAfterMs, 3_600_000)

  const { body: cat } = { body: chat.users.add('cat') }
  const { body: both } = await chat.request(cat, 'PUT', `/api/conversations/direct/${bob.id}`)
  for (const node of [0, 1, 1])
    assert.equal(
      (await chat.request(bob, 'PUT', `/api/conversations/direct/${cat.id}`, undefined, {}, node)).status,
      200,
    )
  for (const who of [bob, cat])
    assert.equal((await timer(who, both.id)).status, 200, 'each may set a timer who has opened it')
  const kinds = (await chat.request(bob, 'GET', `/api/conversations/${both.id}/log?after=0`)).body.items
  assert.deepEqual(
    kinds.map(({ kind }: { kind: string }) => kind),
    ['created', 'opened', 'timer.changed'],
  )

  const { body: said } = await chat.request(bob, 'POST', '/api/messages/send', { receiverId: ann.id, message: 'hello' })
  assert.equal(said.conversationId, opened.id)
  assert.equal((await chat.request(bob, 'GET', `/api/conversations/${opened.id}`)).status, 200)
  assert.equal((await chat.request(bob, 'GET', `/api/messages/get/${ann.id}`)).body.conversation.length, 1)
})

test('who changes a conversation without end is slowed down, and the others are not', async (t) => {
  const chat = await testChat(t, { limits: { changesPerSecond: 1, changeBurst: 6 } })
  const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => chat.users.add(name)) as [
    PublicUser,
    PublicUser,
    PublicUser,
  ]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${group.id}`
  const changes: [string, string, object?][] = [
    ['PATCH', path, { title: 'H' }],
    ['POST', `${path}/members`, { userIds: [eve.id] }],
    ['PUT', `${path}/members/${bob.id}/role`, { role: 'admin' }],
    ['POST', `${path}/invites`, {}],
    ['PUT', `${path}/timer`, { afterMs: 3_600_000 }],
    ['DELETE', `${path}/members/${eve.id}`],
  ]
  for (const [method, at, body] of changes) assert.ok((await chat.request(ann, method, at, body)).status < 300, at)
  const { rev } = (await chat.request(ann, 'GET', path)).body
  for (const [method, at, body] of changes) {
    const refused = await chat.request(ann, method, at, body)
    assert.deepEqual([refused.status, refused.body.code, refused.body.retryable], [429, 'rate.limited', true])
  }
  assert.equal((await chat.request(ann, 'GET', path)).body.rev, rev)
  assert.equal((await chat.request(bob, 'PATCH', path, { title: 'I' })).status, 200)
})
