import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { PublicUser } from '@parley/protocol/user'
import { type TestChat, testChat } from '../chat.fixture.ts'
import { invitesHold } from './invites.model.ts'

/** A group of ann's with bob, and what one does with its invites. */
async function inviting(chat: TestChat) {
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: 'Tea', memberIds: [bob.id] })
  const path = `/api/conversations/${body.id}`
  const invite = (terms: object = {}, as = ann, key?: string) =>
    chat.request(as, 'POST', `${path}/invites`, terms, key === undefined ? {} : { 'idempotency-key': key })
  const join = (as: PublicUser, code: string, node = 0) =>
    chat.request(as, 'POST', `/api/invites/${code}/join`, undefined, {}, node)
  const preview = (as: PublicUser, code: string) => chat.request(as, 'GET', `/api/invites/${code}`)
  const list = async (as = ann) => (await chat.request(as, 'GET', `${path}/invites`)).body.items
  const revoke = (id: string, as = ann) => chat.request(as, 'DELETE', `${path}/invites/${id}`)
  const remove = (who: PublicUser, as = ann) => chat.request(as, 'DELETE', `${path}/members/${who.id}`)
  return { id: body.id as string, path, ann, bob, invite, join, preview, list, revoke, remove }
}

test('who has a link sees title, description and size, and joins from there on', async (t) => {
  const chat = await testChat(t)
  const { id, path, ann, invite, join, preview } = await inviting(chat)
  await chat.request(ann, 'PATCH', path, { description: 'Mondays' })
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: id, message: 'before' })
  const { status, body } = await invite({ expiresInMs: 3_600_000, maxUses: 5 })
  assert.equal(status, 201)
  assert.match(body.code, /^[\w-]{64}$/)
  assert.deepEqual([body.createdBy, body.maxUses, body.uses], [ann.id, 5, 0])
  assert.ok(Math.abs(Date.parse(body.expiresAt) - Date.now() - 3_600_000) < 60_000)
  const cem = chat.users.add('cem')
  const [anns, cems] = [await chat.device(ann), await chat.device(cem)]
  const shown = { title: 'Tea', description: 'Mondays', memberCount: 2 }
  assert.deepEqual((await preview(cem, body.code)).body, { ...shown, joined: false })
  const joined = await join(cem, body.code)
  assert.equal(joined.status, 200)
  assert.deepEqual([joined.body.title, joined.body.me.role, joined.body.memberCount], ['Tea', 'member', 3])
  for (const device of [anns, cems]) {
    const { entry } = await device.next('conversation.updated')
    assert.deepEqual([entry.kind, entry.userIds, entry.inviteId], ['members.added', [cem.id], body.id])
  }
  assert.deepEqual((await preview(cem, body.code)).body, { ...shown, memberCount: 3, joined: true })
  assert.deepEqual((await chat.request(cem, 'GET', `${path}/messages`)).body.items, [])
})

test('an invite that ended, was revoked or used up, a forged one, that of a group that is no more, and any to who was removed are one and the same', async (t) => {
  const chat = await testChat(t, { limits: { inviteLookBurst: 1_000 } })
  const { id, ann, bob, invite, join, preview, revoke, remove } = await inviting(chat)
  const [cem, dan] = [chat.users.add('cem'), chat.users.add('dan')]
  const open = (await invite()).body.code as string
  const revoked = (await invite()).body
  await revoke(revoked.id)
  const usedUp = (await invite({ maxUses: 1 })).body.code
  assert.equal((await join(dan, usedUp)).status, 200)
  const ended = (await invite({ expiresInMs: 1_000 })).body
  await until(ended.expiresAt)
  const last = open.at(-1) === 'A' ? 'Q' : 'A'
  const forged = [open.slice(0, -1) + last, open.slice(0, 63), `${open}A`, 'x', open.toLowerCase()]
  const gone = await inviting(chat)
  const left = (await gone.invite()).body.code
  for (const who of [gone.ann, gone.bob]) await gone.remove(who, who)

  const refusals = []
  for (const code of [revoked.code, usedUp, ended.code, left, ...forged])
    refusals.push(await preview(cem, code), await join(cem, code))
  await remove(bob)
  refusals.push(await preview(bob, open), await join(bob, open))
  for (const { status, body } of refusals) {
    const { requestId: _, ...refusal } = body
    const { requestId: _id, ...first } = refusals[0]!.body
    assert.deepEqual([status, refusal], [404, first])
  }
  // A member who has the right puts him in again, and then links work for him too.
  await chat.request(dan, 'POST', `/api/conversations/${id}/members`, { userIds: [bob.id] })
  await remove(bob, bob)
  assert.equal((await join(bob, open)).status, 200)
  // Who is in stays in, whatever became of the link.
  assert.equal((await join(dan, usedUp)).status, 200)
  assert.equal((await preview(dan, usedUp)).body.joined, true)
  assert.equal((await chat.request(ann, 'GET', `/api/conversations/${id}`)).body.memberCount, 3)
})

test('joining twice counts once, and as many come in as an invite lets, on any node and at any moment', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const { path, ann, invite, join, list } = await inviting(chat)
  const { body } = await invite({ maxUses: 3 })
  const crowd = Array.from({ length: 10 }, (_, n) => chat.users.add(`one-${n}`))
  const replies = await Promise.all(
    crowd.flatMap((who) => [join(who, body.code, 0), join(who, body.code, 1), join(who, body.code, 0)]),
  )
  const inside = crowd.filter((_, n) => replies.slice(3 * n, 3 * n + 3).some(({ status }) => status === 200))
  assert.equal(inside.length, 3)
  for (const who of inside)
    for (const { status } of await Promise.all([join(who, body.code), join(who, body.code, 1)]))
      assert.equal(status, 200)
  assert.deepEqual(await list(), [], 'it is used up')
  assert.equal((await chat.request(ann, 'GET', path)).body.memberCount, 5)
})

test('many who come at once by one link all come in', async (t) => {
  const chat = await testChat(t)
  const { invite, join, list } = await inviting(chat)
  const { body } = await invite()
  const crowd = Array.from({ length: 60 }, (_, n) => chat.users.add(`one-${n}`))
  const replies = await Promise.all(crowd.map((who) => join(who, body.code)))
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]))
  assert.equal((await list())[0].uses, 60)
})

test('only those who lead make, see and revoke invites, and an admin who is one no more can use none of that', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const { path, ann, bob, invite, list, revoke } = await inviting(chat)
  for (const { body } of [await invite({}, bob), await revoke(randomUUID(), bob)])
    assert.equal(body.code, 'action.forbidden')
  assert.equal((await chat.request(bob, 'GET', `${path}/invites`)).body.code, 'action.forbidden')
  await chat.request(ann, 'PUT', `${path}/members/${bob.id}/role`, { role: 'admin' })
  const { body } = await invite({ maxUses: null }, bob)
  assert.deepEqual(await list(bob), [body])
  assert.deepEqual(await list(ann), [body], 'the code can be shown again, to all who lead')
  await chat.request(ann, 'PUT', `${path}/members/${bob.id}/role`, { role: 'member' })
  const late = await chat.request(bob, 'POST', `${path}/invites`, {}, {}, 1)
  assert.equal(late.body.code, 'action.forbidden')
  assert.equal((await revoke(body.id)).status, 204)
  assert.equal((await revoke(body.id)).status, 204, 'revoked already')
  assert.deepEqual(await list(), [])
})

test('the same Idempotency-Key makes one invite, and a group has so many that are in force', async (t) => {
  const chat = await testChat(t, { limits: { openInvites: 3 } })
  const { ann, bob, path, invite, list, revoke } = await inviting(chat)
  const [one, two] = await Promise.all([invite({ maxUses: 2 }, ann, 'k'), invite({ maxUses: 2 }, ann, 'k')])
  assert.deepEqual(one, two)
  assert.equal((await invite({ maxUses: 3 }, ann, 'k')).body.code, 'idempotency.mismatch')
  await invite()
  const ended = await invite({ expiresInMs: 1_000 })
  assert.equal((await invite()).body.code, 'action.forbidden')
  assert.deepEqual(await invite({ maxUses: 2 }, ann, 'k'), one, 'a repeat is none more')
  await until(ended.body.expiresAt)
  const fresh = await invite()
  assert.equal(fresh.status, 201, 'what has ended takes no place')
  await revoke(fresh.body.id)
  assert.equal((await invite()).status, 201)
  assert.equal((await list()).length, 3)
  await chat.request(ann, 'PUT', `${path}/members/${bob.id}/role`, { role: 'admin' })
  await revoke(one!.body.id)
  assert.notEqual((await invite({ maxUses: 2 }, bob, 'k')).body.id, one!.body.id, 'the key of another is another')
  for (const wrong of [{ maxUses: 0 }, { maxUses: 1.5 }, { expiresInMs: 10 }, { expiresInMs: '1h' }, { maxUses: 1e9 }])
    assert.equal((await invite(wrong)).status, 400, JSON.stringify(wrong))
})

test('a full group refuses who comes by a link, and guessing is slowed down', async (t) => {
  const chat = await testChat(t, { limits: { groupMembers: 2, inviteLookBurst: 5 } })
  const { invite, join, preview } = await inviting(chat)
  const { body } = await invite()
  const [cem, dan] = [chat.users.add('cem'), chat.users.add('dan')]
  assert.equal((await join(cem, body.code)).body.code, 'action.forbidden')
  const guesses = await Promise.all(Array.from({ length: 8 }, (_, n) => preview(dan, `${n}`.repeat(64))))
  const codes = guesses.map((guess) => guess.body.code)
  assert.ok(codes.filter((code) => code === 'not_found').length <= 6)
  assert.ok(codes.includes('rate.limited'))
})

test('the code of an invite is bound to its group, and to the service that made it', async (t) => {
  const chat = await testChat(t)
  const [one, two] = [await inviting(chat), await inviting(chat)]
  const [a, b] = [(await one.invite()).body, (await two.invite()).body]
  const bytes = (code: string) => Buffer.from(code, 'base64url')
  const mixed = Buffer.concat([bytes(a.code).subarray(0, 16), bytes(b.code).subarray(16)]).toString('base64url')
  const cem = chat.users.add('cem')
  assert.equal((await one.join(cem, mixed)).status, 404)
  const other = await testChat(t)
  const dan = other.users.add('dan')
  assert.equal((await other.request(dan, 'POST', `/api/invites/${a.code}/join`)).status, 404)
})

test('whatever is asked of invites at once, they let in whom they may, and no more', async (t) => {
  const limits = { readsPerSecond: 1e6, readBurst: 1e6, inviteLooksPerSecond: 1e6, inviteLookBurst: 1e6 }
  await invitesHold([await testChat(t, { nodes: 2, limits })], 20)
})

/** Waits for a moment that was answered by the service, whose clock is ours. */
async function until(time: string): Promise<void> {
  while (Date.now() <= Date.parse(time))
    await new Promise((resolve) => setTimeout(resolve, Date.parse(time) - Date.now() + 5))
}
