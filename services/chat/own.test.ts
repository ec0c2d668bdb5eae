import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { PublicUser } from '@parley/protocol/user'
import { testChat } from './chat.fixture.ts'
import { hiddenAmong } from './own.ts'

async function room(t: TestContext, options: Parameters<typeof testChat>[1] = {}) {
  const chat = await testChat(t, options)
  const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => chat.users.add(name)) as [
    PublicUser,
    PublicUser,
    PublicUser,
  ]
  const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${body.id}`
  const say = (who: PublicUser, ...texts: string[]) =>
    texts.reduce(
      (before, message) =>
        before.then(() => chat.request(who, 'POST', '/api/messages/send', { receiverId: body.id, message })),
      Promise.resolve() as Promise<unknown>,
    )
  return { chat, id: body.id as string, path, ann, bob, eve, say }
}

test('one’s own state of messages reaches one’s own devices, the list, the page and the sync, and nobody else', async (t) => {
  const { chat, id, path, ann, bob, say } = await room(t, { nodes: 2 })
  await say(ann, 'one', 'two', 'three')
  const [phone, anns] = [await chat.device(bob, { node: 1 }), await chat.device(ann)]
  const { data: before } = await phone.ask('sync', {})
  assert.equal(before.items[0].me.ownRev, 0)
  const starred = await chat.request(bob, 'PUT', `${path}/messages/2/star`)
  assert.deepEqual(starred, {
    status: 200,
    body: { items: [{ seq: 2, rev: 1, starred: true, hidden: false }], rev: 1 },
  })
  assert.deepEqual(await phone.next('message.own'), { conversationId: id, ...starred.body })
  assert.deepEqual((await chat.request(bob, 'PUT', `${path}/messages/2/star`)).body, { items: [], rev: 1 })
  const { body: hid } = await chat.request(bob, 'DELETE', `${path}/messages/2/mine`)
  assert.deepEqual(hid, { items: [{ seq: 2, rev: 2, starred: false, hidden: true }], rev: 2 })
  await chat.request(bob, 'POST', `${path}/own`, { seqs: [1, 3], starred: true })
  await chat.request(bob, 'DELETE', `${path}/messages/1/star`)
  await chat.request(bob, 'DELETE', `${path}/messages/3/mine`)
  await chat.request(bob, 'PUT', `${path}/messages/3/mine`)
  const all = [
    hid.items[0],
    { seq: 1, rev: 5, starred: false, hidden: false },
    { seq: 3, rev: 7, starred: false, hidden: false },
  ]
  assert.deepEqual((await chat.request(bob, 'GET', `${path}/own?after=0`)).body, { items: all, rev: 7, more: false })
  const part = (await chat.request(bob, 'GET', `${path}/own?after=0&limit=1`)).body
  assert.deepEqual(part, { items: all.slice(0, 1), rev: 2, more: true })
  assert.equal((await phone.ask('sync', { cursor: before.cursor })).data.items[0].me.ownRev, 7)
  const page = (await chat.request(bob, 'GET', `${path}/messages`)).body
  assert.deepEqual(
    page.own.map((mark: { seq: number; hidden: boolean }) => [mark.seq, mark.hidden]),
    [
      [1, false],
      [2, true],
      [3, false],
    ],
  )
  assert.equal(page.items.length, 3, 'the log is dense')
  const history = (await chat.request(bob, 'GET', `/api/messages/get/${id}`)).body.conversation
  assert.deepEqual(
    history.map(({ message }: { message: string }) => message),
    ['one', 'three'],
  )
  assert.deepEqual(await hiddenAmong(chat.store, bob.id, id, [3, 2, 999, 1]), new Set([2]))
  assert.deepEqual(await hiddenAmong(chat.store, ann.id, id, [1, 2]), new Set())
  const found = async (who: PublicUser) => (await chat.request(who, 'GET', '/api/search?q=two')).body.items.length
  assert.deepEqual([await found(bob), await found(ann)], [0, 1], 'a search does not show it')
  assert.equal((await chat.request(ann, 'GET', path)).body.me.ownRev, 0)
  assert.equal((await chat.request(ann, 'GET', `${path}/messages`)).body.own, undefined)
  assert.equal((await chat.request(ann, 'GET', `/api/messages/get/${id}`)).body.conversation.length, 3)
  await phone.ask('message.send', { id: randomUUID(), conversationId: id, text: 'hi' })
  await anns.next('message.new')
  assert.ok(!anns.told().some(({ event }) => event === 'message.own'))
})

test('only what one may see can be starred or hidden, and an earlier stay is forgotten', async (t) => {
  const { chat, id, path, ann, bob, eve, say } = await room(t)
  await say(ann, 'one', 'two')
  const refused = async (who: PublicUser, method: string, what: string, body?: object) => {
    const reply = await chat.request(who, method, what, body)
    const { instance: _, requestId: __, ...said } = reply.body
    assert.equal(reply.status, 404)
    return said
  }
  const nowhere = `/api/conversations/${randomUUID()}`
  for (const [method, what, body] of [
    ['PUT', '/messages/1/star', undefined],
    ['DELETE', '/messages/1/mine', undefined],
    ['POST', '/own', { seqs: [1], starred: true }],
    ['GET', '/own?after=0', undefined],
  ] as const)
    assert.deepEqual(await refused(eve, method, path + what, body), await refused(eve, method, nowhere + what, body))
  await refused(bob, 'PUT', `${path}/messages/3/star`)
  await refused(bob, 'POST', `${path}/own`, { seqs: [1, 3], hidden: true })
  assert.equal((await chat.request(bob, 'GET', path)).body.me.ownRev, 0, 'all of them or none')
  await chat.request(bob, 'PUT', `${path}/messages/1/star`)
  await chat.request(ann, 'DELETE', `${path}/members/${bob.id}`)
  assert.deepEqual((await chat.request(bob, 'GET', '/api/starred')).body, { items: [] })
  await refused(bob, 'DELETE', `${path}/messages/1/star`)
  await chat.request(ann, 'POST', `${path}/members`, { userIds: [bob.id] })
  await say(ann, 'three')
  await refused(bob, 'DELETE', `${path}/messages/1/star`)
  assert.deepEqual((await chat.request(bob, 'GET', '/api/starred')).body, { items: [] })
  assert.deepEqual((await chat.request(bob, 'GET', `${path}/own?after=0`)).body, { items: [], rev: 1, more: false })
  await chat.request(bob, 'PUT', `${path}/messages/3/star`)
  const { items } = (await chat.request(bob, 'GET', '/api/starred')).body
  assert.deepEqual(
    items.map(({ conversationId, text, sender }: Record<string, string>) => [conversationId, text, sender]),
    [[id, 'three', 'ann']],
  )
})

test('the starred list comes in pages without a gap, and one may star so many that are still there', async (t) => {
  const { chat, path, ann, bob, say } = await room(t, { limits: { starredPerUser: 5 } })
  await say(ann, 'one', 'two', 'three', 'four', 'five', 'six')
  const star = async (seqs: number[]) =>
    (await chat.request(bob, 'POST', `${path}/own`, { seqs, starred: true })).status
  assert.deepEqual([await star([1, 2]), await star([3, 4, 5]), await star([6])], [200, 200, 403])
  const seen: number[] = []
  for (let cursor = ''; ; ) {
    const { body } = await chat.request(bob, 'GET', `/api/starred?limit=2${cursor}`)
    assert.ok(body.items.length <= 2)
    seen.push(...body.items.map(({ seq }: { seq: number }) => seq))
    if (!body.nextCursor) break
    cursor = `&cursor=${body.nextCursor}`
  }
  assert.deepEqual(seen.toSorted(), [1, 2, 3, 4, 5])
  assert.deepEqual(seen.slice(0, 3).toSorted(), [3, 4, 5], 'the latest first')
  assert.equal((await chat.request(bob, 'GET', '/api/starred?cursor=invented')).status, 400)
  await chat.request(ann, 'DELETE', `${path}/messages/4`)
  const { body } = await chat.request(bob, 'GET', '/api/starred')
  assert.ok(!body.items.some(({ seq }: { seq: number }) => seq === 4), 'what is deleted is left out')
  await chat.request(bob, 'DELETE', `${path}/members/${bob.id}`)
  const { body: own } = await chat.request(bob, 'POST', '/api/conversations', { title: 'H', memberIds: [] })
  await chat.request(bob, 'POST', '/api/messages/send', { receiverId: own.id, message: 'mine' })
  const again = await chat.request(bob, 'PUT', `/api/conversations/${own.id}/messages/1/star`)
  assert.equal(again.status, 200, 'stars of what one has left take no place')
})

test('what is no message to star, and too many at once, are refused', async (t) => {
  const { chat, path, ann } = await room(t)
  const bad = [
    {},
    { seqs: [1] },
    { seqs: [], starred: true },
    { seqs: [0], starred: true },
    { seqs: ['1'], starred: true },
    { seqs: [1.5], hidden: true },
    { seqs: 1, hidden: true },
    { seqs: [1], hidden: 'yes' },
    { seqs: Array.from({ length: 101 }, (_, n) => n + 1), starred: true },
  ]
  for (const body of bad) assert.equal((await chat.request(ann, 'POST', `${path}/own`, body)).status, 400)
  for (const seq of ['0', '-1', 'x', '1e99']) {
    const { status } = await chat.request(ann, 'PUT', `${path}/messages/${seq}/star`)
    assert.ok(status === 400 || status === 404, `${seq}: ${status}`)
  }
})
