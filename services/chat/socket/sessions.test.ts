import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { testChat } from '../chat.fixture.ts'
import { testDevice } from '../device.fixture.ts'

test('tokens that are forged, foreign, expired or missing open no socket and no route', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  const { url } = chat.nodes[0]!
  const good = chat.users.token(ann)
  const bad: [unknown, string][] = [
    [undefined, 'auth.invalid'],
    [{ $ne: null }, 'auth.invalid'],
    ['', 'auth.invalid'],
    ['x'.repeat(8_000), 'auth.invalid'],
    [`${good}x`, 'auth.invalid'],
    [chat.users.token(ann, { signedBy: 'other' }), 'auth.invalid'],
    [chat.users.token(ann, { header: { alg: 'none' } }), 'auth.invalid'],
    [chat.users.token(ann, { header: { alg: 'HS256' } }), 'auth.invalid'],
    [chat.users.token(ann, { header: { typ: 'refresh' } }), 'auth.invalid'],
    [chat.users.token(ann, { header: { kid: 'unknown' } }), 'auth.invalid'],
    [chat.users.token(ann, { claims: { aud: 'other' } }), 'auth.invalid'],
    [chat.users.token(ann, { claims: { iss: 'other' } }), 'auth.invalid'],
    [chat.users.token(ann, { claims: { sid: undefined } }), 'auth.invalid'],
    [chat.users.token(ann, { claims: { exp: Math.floor(Date.now() / 1000) - 60 } }), 'auth.expired'],
  ]
  for (const [token, code] of bad) {
    const refusal = await testDevice(t, url, token).next('connect_error')
    assert.equal(refusal.code, code, String(token).slice(0, 80))
    const headers = typeof token === 'string' && token ? { authorization: `Bearer ${token}` } : undefined
    const reply = await fetch(`${url}/api/conversations`, headers && { headers })
    assert.equal(reply.status, 401)
    assert.equal(((await reply.json()) as { code: string }).code, code)
  }
})

test('a revoked session’s sockets are told and closed within two seconds, and its token is good for nothing', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  const ann = chat.users.add('ann')
  const sessionId = randomUUID()
  const token = chat.users.token(ann, { sessionId })
  const [here, there, other] = [
    await chat.device(ann, { token }),
    await chat.device(ann, { token, node: 1 }),
    await chat.device(ann),
  ]
  const revokedAt = Date.now()
  chat.users.revoke(ann, sessionId)
  for (const device of [here, there]) {
    assert.deepEqual(await device.next('session.revoked'), { reason: 'logout' })
    await device.next('disconnect')
  }
  assert.ok(Date.now() - revokedAt < 2_000)
  assert.equal((await testDevice(t, chat.nodes[0]!.url, token).next('connect_error')).code, 'auth.invalid')
  const reply = await fetch(`${chat.nodes[1]!.url}/api/sync`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(reply.status, 401)
  assert.equal((await other.ask('sync', {})).ok, true)
})

test('a node that stood still asks what was revoked meanwhile before it serves anybody', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  const sessionId = randomUUID()
  const token = chat.users.token(ann, { sessionId })
  const device = await chat.device(ann, { token })
  // Its own poll hangs, as if the process were frozen.
  const thaw = Promise.withResolvers<void>()
  const { control } = chat.users
  chat.users.control = async (after, limit) => {
    await thaw.promise
    return control(after, limit)
  }
  chat.users.revoke(ann, sessionId)
  await setTimeout(2_200)
  const headers = { authorization: `Bearer ${token}` }
  const request = fetch(`${chat.nodes[0]!.url}/api/sync`, { headers })
  device.socket.emit('message.send', { id: randomUUID(), receiverId: ann.id, text: 'from the ended session' })
  await setTimeout(200)
  thaw.resolve()
  assert.equal((await request).status, 401)
  await device.next('session.revoked')
  assert.deepEqual((await chat.request(ann, 'GET', '/api/conversations')).body.items, [])
})

test('revocations are heard of although the user service was restored from a backup', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  for (let n = 0; n < 5; n++) chat.users.revoke(ann, randomUUID())
  const last = randomUUID()
  const device = await chat.device(ann, { token: chat.users.token(ann, { sessionId: last }) })
  chat.users.revoke(ann, randomUUID())
  await setTimeout(1_100)
  chat.users.forgetRevocations()
  chat.users.revoke(ann, last)
  await device.next('session.revoked')
})

test('a session revoked before a node starts stays out', async (t) => {
  const early = await testChat(t)
  const ann = early.users.add('ann')
  const sessionId = randomUUID()
  for (let n = 0; n < 30; n++) early.users.revoke(ann, n === 7 ? sessionId : randomUUID())
  const token = early.users.token(ann, { sessionId })
  // The poll of a node that was there first, and the start of a later one, read the same log.
  const late = await testChat(t, { users: early.users })
  assert.equal((await testDevice(t, late.nodes[0]!.url, token).next('connect_error')).code, 'auth.invalid')
  assert.equal((await testDevice(t, late.nodes[0]!.url, early.users.token(ann)).next('hello')).userId, ann.id)
})

test('an account that is deleted loses all its sockets', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  const device = await chat.device(ann)
  chat.users.delete(ann)
  assert.deepEqual(await device.next('session.revoked'), { reason: 'deleted' })
  await device.next('disconnect')
})

test('a socket whose token ends is told and closed, and a refreshed one stays', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  const sessionId = randomUUID()
  const soon = () => chat.users.token(ann, { sessionId, claims: { exp: Math.floor(Date.now() / 1000) + 2 } })
  const [ends, stays] = [await chat.device(ann, { token: soon() }), await chat.device(ann, { token: soon() })]
  const foreign = await stays.ask('session.refresh', { token: chat.users.token(ann) })
  assert.equal(foreign.error.code, 'auth.invalid')
  const renewed = await stays.ask('session.refresh', { token: chat.users.token(ann, { sessionId }) })
  assert.ok(Date.parse(renewed.data.expiresAt) > Date.now() + 60_000)
  await ends.next('session.expired')
  await ends.next('disconnect')
  assert.equal((await stays.ask('sync', {})).ok, true)
})

test('while the user service is away, sockets stay although their tokens end', async (t) => {
  const chat = await testChat(t)
  const ann = chat.users.add('ann')
  const exp = Math.floor(Date.now() / 1000) + 2
  const device = await chat.device(ann, { token: chat.users.token(ann, { claims: { exp } }) })
  chat.users.away = true
  await setTimeout(exp * 1000 + 1_500 - Date.now())
  assert.equal((await device.ask('sync', {})).ok, true)
  chat.users.away = false
  await device.next('session.expired')
})

test('a user has at most so many sockets', async (t) => {
  const chat = await testChat(t, { limits: { devicesPerUser: 2 } })
  const ann = chat.users.add('ann')
  const first = await chat.device(ann)
  await chat.device(ann)
  const third = testDevice(t, chat.nodes[0]!.url, chat.users.token(ann))
  assert.equal((await third.next('connect_error')).code, 'rate.limited')
  first.close()
  await chat.device(chat.users.add('bob'))
  const again = testDevice(t, chat.nodes[0]!.url, chat.users.token(ann))
  assert.equal((await again.next('hello')).userId, ann.id)
})
