import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { ContactSide } from '@parley/protocol/contact'
import type { PublicUser } from '@parley/protocol/user'
import { testChat } from './chat.fixture.ts'
import { directId } from './direct.ts'

/** A group of Ann, Bob and Cleo, in which each can be asked about. */
async function group(t: TestContext) {
  const chat = await testChat(t)
  const names = ['ann', 'bob', 'cleo'] as const
  const [ann, bob, cleo] = names.map((name) => chat.users.add(name)) as [PublicUser, PublicUser, PublicUser]
  const memberIds = [bob.id, cleo.id]
  const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: 'Tea', memberIds })
  const conversationId = body.id as string
  const { directory } = chat.nodes[0]!
  return {
    chat,
    ann,
    bob,
    cleo,
    conversationId,
    ask: async (fromSeq: number, toSeq: number, userIds?: string[]) =>
      (await directory.standing({ conversationId, fromSeq, toSeq, userIds }))!,
    say: (who: PublicUser, message: string, more: object = {}) =>
      chat.request(who, 'POST', '/api/messages/send', { receiverId: conversationId, message, ...more }),
    as: (who: PublicUser, method: string, path: string, sent?: object) =>
      chat.request(who, method, `/api/conversations/${conversationId}${path}`, sent),
  }
}

test('a standing says of each message whom it names, what it answers and what became of it', async (t) => {
  const { bob, ann, ask, say, as } = await group(t)
  await say(ann, 'one')
  await say(bob, 'two, @ann', { replyTo: 1 })
  await say(ann, '@all three')
  await say(ann, 'four')
  await as(ann, 'DELETE', '/messages/4')
  const { kind, title, messages } = await ask(2, 9)
  assert.deepEqual([kind, title], ['group', 'Tea'])
  assert.deepEqual(
    messages.map(({ createdAt: _, ...message }) => message),
    [
      { seq: 2, senderId: bob.id, sender: 'bob', text: 'two, @ann', mentions: [ann.id], answers: ann.id },
      { seq: 3, senderId: ann.id, sender: 'ann', text: '@all three', mentionsAll: true },
      { seq: 4, senderId: ann.id, sender: 'ann', text: '', gone: true },
    ],
  )
  assert.equal((await ask(1, 1_000_000)).messages.length, 0, 'of a longer range the last ones')
})

test('a standing says of each member what they may see, have read and have set, and whether they are here', async (t) => {
  const { chat, ann, bob, cleo, ask, say, as } = await group(t)
  await say(ann, 'one')
  await as(ann, 'DELETE', `/members/${cleo.id}`)
  await say(ann, 'two')
  await as(ann, 'POST', '/members', { userIds: [cleo.id] })
  await as(bob, 'POST', '/receipts', { deliveredSeq: 2, readSeq: 1 })
  await as(bob, 'PATCH', '/settings', { level: 'mentions', mutedUntil: '2999-01-01T00:00:00Z' })
  const device = await chat.device(cleo)
  const here = async () => (await ask(1, 2, [cleo.id])).members[0]?.active
  while (!(await here())) await device.ask('sync', {})
  const { members } = await ask(1, 2)
  const plain = { level: 'all', mutedUntil: null, active: false }
  assert.deepEqual(members, [
    { ...plain, userId: ann.id, fromSeq: 1, deliveredSeq: 0, readSeq: 0 },
    {
      ...{ userId: bob.id, fromSeq: 1, deliveredSeq: 2, readSeq: 1 },
      ...{ level: 'mentions', mutedUntil: '2999-01-01T00:00:00.000Z', active: false },
    },
    { ...plain, userId: cleo.id, fromSeq: 3, deliveredSeq: 0, readSeq: 0, active: true },
  ])
  assert.deepEqual(
    (await ask(1, 2, [bob.id, randomUUID()])).members.map(({ userId }) => userId),
    [bob.id],
  )
})

test('between two of whom one blocks the other nothing is to be told; in a group only who blocks is spared', async (t) => {
  const { chat, ann, bob, cleo, ask, say } = await group(t)
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  await say(ann, 'one')
  await say(cleo, 'two')
  const [low, high] = [ann, bob].toSorted((a, b) => (a.id < b.id ? -1 : 1)) as [PublicUser, PublicUser]
  const side = ({ id }: PublicUser): ContactSide => {
    const blocked = id === bob.id
    return { userId: id, blocks: blocked, view: { status: 'none', blocked, rev: 1 }, tell: false }
  }
  await chat.bus.publish({
    id: randomUUID(),
    type: 'contact.changed',
    version: 1,
    occurredAt: new Date().toISOString(),
    key: `${low.id}${high.id}`,
    rev: 1,
    data: { low: side(low), high: side(high) },
  })
  const { directory } = chat.nodes[0]!
  const direct = { conversationId: directId(ann.id, bob.id), fromSeq: 1, toSeq: 1 }
  const apart = async () => (await directory.standing(direct))!.members.map((member) => member.apart)
  while ((await apart()).every((one) => one === undefined)) await new Promise(setImmediate)
  assert.deepEqual(await apart(), [undefined, [ann.id]])
  const { members } = await ask(1, 2)
  assert.deepEqual(
    members.map((member) => member.apart),
    [undefined, [ann.id], undefined],
  )
})

test('only who holds the internal key is answered, on the internal port', async (t) => {
  const { chat, conversationId, ask, say, ann } = await group(t)
  await say(ann, 'one')
  const { url, http } = chat.nodes[0]!
  const inside = `http://127.0.0.1:${http.internalPort}`
  const post = (base: string, authorization: string, body: unknown) =>
    fetch(`${base}/internal/standing`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const key = `Bearer ${chat.internalKey.toString('base64url')}`
  const wanted = { conversationId, fromSeq: 1, toSeq: 1 }
  const reply = await post(inside, key, wanted)
  assert.equal(reply.status, 200)
  assert.deepEqual(await reply.json(), JSON.parse(JSON.stringify(await ask(1, 1))))
  for (const [base, authorization, body, status] of [
    [inside, `Bearer ${chat.users.token(ann)}`, wanted, 401],
    [inside, '', wanted, 401],
    [inside, key, { ...wanted, conversationId: randomUUID() }, 404],
    [inside, key, { ...wanted, fromSeq: -1 }, 400],
    [inside, key, { ...wanted, userIds: ['x'] }, 400],
    [url, key, wanted, 404],
  ] as const)
    assert.equal((await post(base, authorization, body)).status, status, JSON.stringify([base, body]))
})
