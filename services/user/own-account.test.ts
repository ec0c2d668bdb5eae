import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { BusEvent } from '@parley/protocol/events'
import { NEW_PROFILE } from '@parley/protocol/profile'
import { openMailing } from './mail.fixture.ts'
import { PASSWORD } from './service.fixture.ts'
import { pairKey } from './store/contacts.ts'

type Deleted = Extract<BusEvent, { type: 'user.deleted' }>

/** A service whose news of deletions are taken, as the chat service would; `refuse` while it is away. */
async function openLeaving(t: Parameters<typeof openMailing>[0], some: Parameters<typeof openMailing>[1] = {}) {
  const service = await openMailing(t, some)
  const first = Promise.withResolvers<Deleted>()
  await service.bus.subscribe('chat.departures', async (event) => first.resolve(event))
  return { ...service, deleted: first.promise }
}

test('who deletes the account is signed out everywhere, unknown to everybody, and the others hear of it', async (t) => {
  const service = await openLeaving(t)
  const annId = await service.register('ann')
  await service.register('ben')
  const [one, two, ben] = [await service.signIn('ann'), await service.signIn('ann'), await service.signIn('ben')]
  const wrong = await service.as(one.token)('DELETE', '/api/user/me', { password: 'not it', messages: 'keep' })
  assert.deepEqual([wrong.status, wrong.body.errors], [400, [{ pointer: '/password', detail: 'is not your password' }]])
  assert.equal((await service.as(two.token)('GET', '/api/user/me')).status, 200)
  const reply = await service.as(one.token)('DELETE', '/api/user/me', { password: PASSWORD, messages: 'erase' })
  assert.equal(reply.status, 204)

  for (const { token, refreshToken } of [one, two]) {
    assert.equal((await service.as(token)('GET', '/api/user/me')).status, 401)
    assert.equal((await service.refresh(refreshToken)).status, 401)
  }
  const { entries } = await service.user.directory.control(0, 10)
  assert.deepEqual(
    entries.map(({ kind, userId }) => [kind, userId]),
    [['user.deleted', annId]],
  )
  const as = service.as(ben.token)
  assert.equal((await as('GET', `/api/user/users/${annId}`)).status, 404)
  assert.deepEqual((await as('GET', '/api/user/users?username=ann')).body, { items: [] })
  assert.deepEqual((await as('GET', '/api/user/search?q=an')).body, { items: [] })
  assert.deepEqual(await service.user.directory.find([annId]), [])
  const { data } = await service.deleted
  assert.deepEqual([data.id, data.messages], [annId, 'erase'])
  const login = { email: 'ann@example.org', password: PASSWORD }
  assert.equal((await service.call('POST', '/api/user/login', login)).status, 401)
  assert.notEqual(await service.register('ann'), annId, 'the name is free, for another')
})

test('a refusal to refresh says that the account was deleted to who had a session of ours, and of nobody else', async (t) => {
  const service = await openLeaving(t)
  const [annId, benId] = [await service.register('ann'), await service.register('ben')]
  const [ann, ben] = [await service.signIn('ann'), await service.signIn('ben')]
  const refused = async (refreshToken: string, userId?: string) => {
    const { status, body } = await service.call('POST', '/api/user/refresh', { refreshToken, userId })
    return [status, body.code, body.deleted]
  }
  assert.equal((await service.as(ben.token)('DELETE', `/api/user/me/sessions/${ben.sessionId}`)).status, 204)
  assert.deepEqual(await refused(ben.refreshToken, benId), [401, 'auth.invalid', undefined], 'merely over')
  const deletion = { password: PASSWORD, messages: 'keep' }
  assert.equal((await service.as(ann.token)('DELETE', '/api/user/me', deletion)).status, 204)
  assert.deepEqual(await refused(ann.refreshToken, annId), [401, 'auth.invalid', true])
  assert.deepEqual(await refused(ann.refreshToken), [401, 'auth.invalid', undefined])
  assert.deepEqual(await refused(ann.refreshToken, benId), [401, 'auth.invalid', undefined])
  assert.deepEqual(await refused(`${ann.refreshToken.slice(0, -4)}AAAA`, annId), [401, 'auth.invalid', undefined])
})

test('friends, requests and blocks of who is deleted vanish for the others, who are told', async (t) => {
  const service = await openLeaving(t)
  const people = new Map<string, { id: string; token: string }>()
  for (const name of ['ann', 'friend', 'asked', 'asking', 'blocked', 'blocker', 'other']) {
    const id = await service.register(name)
    people.set(name, { id, token: (await service.signIn(name)).token })
  }
  const act = (name: string, method: string, other: string, what: string) =>
    service.as(people.get(name)!.token)(method, `/api/user/contacts/${people.get(other)!.id}/${what}`)
  await act('ann', 'PUT', 'friend', 'request')
  await act('friend', 'POST', 'ann', 'accept')
  await act('ann', 'PUT', 'asked', 'request')
  await act('asking', 'PUT', 'ann', 'request')
  await act('ann', 'PUT', 'blocked', 'block')
  await act('blocker', 'PUT', 'ann', 'block')
  await act('blocker', 'PUT', 'other', 'block')
  const told = new Set<string>()
  const ann = people.get('ann')!
  const listening = await service.bus.listen(['contact.changed'], (event) => {
    if (event.type !== 'contact.changed') return
    for (const side of [event.data.low, event.data.high])
      if (side.tell && side.userId !== ann.id && side.view.status === 'none' && !side.view.blocked)
        told.add(side.userId)
  })
  assert.equal(
    (await service.as(ann.token)('DELETE', '/api/user/me', { password: PASSWORD, messages: 'keep' })).status,
    204,
  )
  await service.deleted
  const wanted = ['friend', 'asked', 'asking', 'blocker'].map((name) => people.get(name)!.id)
  for (const late = AbortSignal.timeout(5_000); !wanted.every((id) => told.has(id)); late.throwIfAborted())
    await new Promise((resolve) => setImmediate(resolve))
  await listening[Symbol.asyncDispose]()
  for (const name of people.keys()) {
    if (name === 'ann') continue
    for (const list of ['friends', 'incoming', 'outgoing', 'blocked']) {
      const { body } = await service.as(people.get(name)!.token)('GET', `/api/user/contacts?list=${list}`)
      const rest = name === 'blocker' && list === 'blocked' ? [people.get('other')!.id] : []
      assert.deepEqual(
        (body.items as { userId: string }[]).map(({ userId }) => userId),
        rest,
        `${name}: ${list}`,
      )
    }
  }
  const { items } = await service.user.directory.blocks(undefined, 100)
  assert.deepEqual(
    items.map(({ by }) => by),
    [[people.get('blocker')!.id]],
  )
  assert.equal((await act('friend', 'PUT', 'ann', 'request')).status, 404)
})

test('a log-in that is under way while the account is deleted leaves no session behind', async (t) => {
  const service = await openLeaving(t)
  await service.register('ann')
  const { token, user } = await service.signIn('ann')
  const login = { email: 'ann@example.org', password: PASSWORD, tokens: 'body' }
  const racing = Array.from({ length: 8 }, () => service.call('POST', '/api/user/login', login))
  const reply = await service.as(token)('DELETE', '/api/user/me', { password: PASSWORD, messages: 'keep' })
  assert.equal(reply.status, 204)
  await Promise.all(racing)
  assert.deepEqual(await service.store.sessions.list(user.id), [])
})

test('what a process had written of who is deleted, and died, is cleared up by the next', async (t) => {
  const service = await openLeaving(t)
  const [annId, benId] = [await service.register('ann'), await service.register('ben')]
  const [ann, ben] = [await service.signIn('ann'), await service.signIn('ben')]
  await service.as(ann.token)('DELETE', '/api/user/me', { password: PASSWORD, messages: 'keep' })
  await service.deleted
  const views = { viewRevs: { friend: 1, other: 1 }, toldRev: 0 }
  assert.ok(await service.store.profiles.save({ ...NEW_PROFILE, userId: annId, rev: 1, bio: 'still here', ...views }))
  const side = { wants: true, blocks: false, seen: 1, changedIn: 1, changedAt: '2026-01-01T00:00:00.000Z' }
  const key = pairKey(annId, benId)
  assert.ok(await service.store.contacts.save({ key, rev: 1, low: side, high: side, toldRev: 0 }))
  // Wakes the relay, as anything does.
  assert.equal((await service.as(ben.token)('PATCH', '/api/user/me/profile', { bio: 'here' })).status, 200)
  for (const late = AbortSignal.timeout(10_000); ; late.throwIfAborted()) {
    const friends = (await service.as(ben.token)('GET', '/api/user/contacts')).body.items as unknown[]
    if (friends.length === 0 && (await service.store.profiles.find([annId])).length === 0) break
    await pause(10)
  }
  assert.equal((await service.store.contacts.find([key]))[0]?.rev, 2)
})

test('nobody deletes an account without its password, by guessing, from a foreign page, or with malformed input', async (t) => {
  const service = await openLeaving(t, { limits: { signInFailuresPerAccountAndAddress: 3 } })
  await service.register('ann')
  const { token } = await service.signIn('ann')
  const good = { password: PASSWORD, messages: 'keep' }
  assert.equal((await service.call('DELETE', '/api/user/me', good)).status, 401)
  const foreign = { origin: 'https://evil.example', authorization: `Bearer ${token}` }
  assert.equal((await service.call('DELETE', '/api/user/me', good, foreign)).status, 403)
  for (const body of [
    undefined,
    {},
    { ...good, messages: 'all' },
    { ...good, messages: undefined },
    { ...good, password: { $ne: null } },
    { ...good, password: '' },
  ])
    assert.equal((await service.as(token)('DELETE', '/api/user/me', body)).status, 400, JSON.stringify(body))
  const statuses: number[] = []
  for (let i = 0; i < 4; i++)
    statuses.push((await service.as(token)('DELETE', '/api/user/me', { ...good, password: `guess ${i}` })).status)
  assert.deepEqual(statuses, [400, 400, 400, 429])
  await service.as(token)('GET', '/api/user/me')
})
