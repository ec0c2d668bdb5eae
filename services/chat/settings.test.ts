import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { UNSET } from '@parley/protocol/settings'
import { testChat } from './chat.fixture.ts'

test('settings reach one’s own devices, the list and the sync of a device that was away, and nobody else', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, phone] = [await chat.device(ann), await chat.device(bob)]
  const { data } = await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'hello' })
  const { conversationId } = data
  const path = `/api/conversations/${conversationId}`
  assert.deepEqual((await chat.request(bob, 'GET', path)).body.me.settings, UNSET)
  const { data: before } = await phone.ask('sync', {})
  const change = { mutedUntil: '2030-01-01T01:00:00+01:00', archived: true, draft: 'begun' }
  const reply = await chat.request(bob, 'PATCH', `${path}/settings`, change)
  const settings = { ...UNSET, rev: 1, mutedUntil: '2030-01-01T00:00:00.000Z', archivedSeq: 1, draft: 'begun' }
  assert.deepEqual([reply.status, reply.body], [200, settings])
  assert.deepEqual(await phone.next('conversation.settings'), { conversationId, settings })
  const { data: page } = await phone.ask('sync', { cursor: before.cursor })
  assert.deepEqual(page.items[0].me.settings, settings)
  assert.deepEqual((await chat.request(bob, 'GET', '/api/conversations')).body.items[0].me.settings, settings)
  assert.deepEqual((await chat.request(bob, 'PATCH', `${path}/settings`, { draft: 'begun' })).body, settings)
  const { body } = await chat.request(bob, 'PATCH', `${path}/settings`, { draft: '', mutedUntil: null })
  assert.deepEqual(body, { ...settings, rev: 2, draft: '', mutedUntil: null })
  assert.deepEqual((await phone.next('conversation.settings')).settings, body)
  assert.deepEqual((await chat.request(ann, 'GET', path)).body.me.settings, UNSET)
  // What was told before this message would have come before it.
  await phone.ask('message.send', { id: randomUUID(), conversationId, text: 'hi' })
  await anns.next('message.new')
  assert.ok(!anns.told().some(({ event }) => event === 'conversation.settings'))
})

test('only members have settings, and those of who left are gone when they are back', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${group.id}`
  const set = (who: typeof ann, change: object) => chat.request(who, 'PATCH', `${path}/settings`, change)
  assert.equal((await set(bob, { draft: 'secret', pinned: 1 })).status, 200)
  const stranger = await set(eve, { level: 'none' })
  const nowhere = await chat.request(eve, 'PATCH', `/api/conversations/${randomUUID()}/settings`, { level: 'none' })
  assert.equal(stranger.status, 404)
  const { instance: _, requestId: __, ...said } = stranger.body
  const { instance: ___, requestId: ____, ...saidNowhere } = nowhere.body
  assert.deepEqual(said, saidNowhere)
  await chat.request(ann, 'DELETE', `${path}/members/${bob.id}`)
  assert.equal((await set(bob, { level: 'none' })).status, 404)
  await chat.request(ann, 'POST', `${path}/members`, { userIds: [bob.id] })
  assert.deepEqual((await chat.request(bob, 'GET', path)).body.me.settings, UNSET)
})

test('at most so many conversations are pinned, not counting what one has left', async (t) => {
  const chat = await testChat(t, { limits: { pinnedConversations: 2 } })
  const ann = chat.users.add('ann')
  const ids: string[] = []
  for (let n = 0; n < 4; n++)
    ids.push((await chat.request(ann, 'POST', '/api/conversations', { title: `${n}`, memberIds: [] })).body.id)
  const pin = async (n: number, pinned: number | null): Promise<number> =>
    (await chat.request(ann, 'PATCH', `/api/conversations/${ids[n]}/settings`, { pinned })).status
  assert.deepEqual([await pin(0, 1), await pin(1, 2), await pin(2, 3), await pin(1, 5)], [200, 200, 400, 200])
  assert.deepEqual([await pin(0, null), await pin(2, 3), await pin(3, 4)], [200, 200, 400])
  await chat.request(ann, 'DELETE', `/api/conversations/${ids[2]}/members/${ann.id}`)
  assert.equal(await pin(3, 4), 200)
})

test('settings that are none are refused, and so is a device that changes them without end', async (t) => {
  const chat = await testChat(t, { limits: { settingsPerSecond: 1, settingsBurst: 20 } })
  const ann = chat.users.add('ann')
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [] })
  const set = async (change: object) =>
    (await chat.request(ann, 'PATCH', `/api/conversations/${group.id}/settings`, change)).status
  const bad = [
    {},
    { mutedUntil: 'tomorrow' },
    { mutedUntil: 5 },
    { mutedUntil: '9999-12-31T23:59:59-10:00' },
    { archived: 'yes' },
    { pinned: 0 },
    { pinned: 1.5 },
    { level: 'some' },
    { draft: 'a\0b' },
    { draft: '\ud800' },
    { draft: 'x'.repeat(10_001) },
    { rev: 7 },
  ]
  for (const change of bad) assert.equal(await set(change), 400, JSON.stringify(change).slice(0, 80))
  assert.equal(await set({ draft: '👋'.repeat(10_000) }), 200)
  assert.equal(await set({ draft: '  \n' }), 200)
  const statuses = await Promise.all(Array.from({ length: 20 }, (_, n) => set({ draft: `${n}` })))
  assert.ok(statuses.includes(429))
})
