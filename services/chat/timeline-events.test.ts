import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { TimelineEvent } from '@parley/protocol/timeline-event'
import { testChat } from './chat.fixture.ts'

const kinds = (events: readonly TimelineEvent[] = []) => events.map(({ kind, headSeq }) => `${kind}@${headSeq}`)

test('a page of messages has what happened in its range, by the names of those whom it names', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, cem] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cem')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${group.id}`
  const say = (message: string) => chat.request(ann, 'POST', '/api/messages/send', { receiverId: group.id, message })
  const empty = (await chat.request(ann, 'GET', `${path}/messages`)).body
  assert.deepEqual([empty.items, kinds(empty.events)], [[], ['created@0']])
  await say('one')
  await chat.request(ann, 'PATCH', path, { title: 'H', description: 'About' })
  await say('two')
  await chat.request(ann, 'POST', `${path}/members`, { userIds: [cem.id] })
  await chat.request(ann, 'PUT', `${path}/members/${bob.id}/role`, { role: 'admin' })
  await say('three')
  await chat.request(ann, 'POST', `${path}/invites`, {})
  await chat.request(cem, 'DELETE', `${path}/members/${cem.id}`)

  const page = async (query: string) => (await chat.request(ann, 'GET', `${path}/messages?${query}`)).body
  const all = await page('limit=50')
  const [start, named, grown, left] = [
    ['created@0'],
    ['renamed@1', 'described@1'],
    ['members.added@2', 'members.role@2'],
    ['members.removed@3'],
  ]
  assert.deepEqual(kinds(all.events), [...start, ...named, ...grown, ...left])
  assert.deepEqual(all.people.map(({ username }: { username: string }) => username).toSorted(), ['ann', 'bob', 'cem'])
  assert.deepEqual(kinds((await page('limit=1')).events), left)
  assert.deepEqual(kinds((await page('limit=1&before=3')).events), grown)
  assert.deepEqual(kinds((await page('limit=1&before=2')).events), [...start, ...named])
  assert.deepEqual(kinds((await page('limit=2&after=1')).events), [...grown, ...left])
  assert.equal('events' in (await page('limit=2&after=3')), false)
  // By the names of the mission too.
  const { body: mission } = await chat.request(ann, 'GET', `/api/messages/get/${group.id}?limit=50`)
  assert.deepEqual(mission.events, all.events)
  assert.deepEqual((await chat.request(ann, 'GET', path)).body.me.unread, 0, 'nothing of it counts')
})

test('who joined later is shown what happened from the join on, and no pin of what was said before', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [] })
  const path = `/api/conversations/${group.id}`
  const say = (message: string) => chat.request(ann, 'POST', '/api/messages/send', { receiverId: group.id, message })
  await say('before')
  await chat.request(ann, 'PATCH', path, { title: 'Secret' })
  await chat.request(ann, 'POST', `${path}/members`, { userIds: [bob.id] })
  const conversation = (await chat.store.log.findConversation(group.id))!
  const pin = { conversationId: group.id, senderId: ann.id, contentHash: 'ab'.repeat(16), on: true }
  for (const seq of [1, 2]) {
    if (seq === 2) await say('after')
    const { membersRev } = conversation
    await chat.store.log.append({ ...pin, kind: 'message.pinned', id: randomUUID(), seq, membersRev })
  }
  const { body } = await chat.request(bob, 'GET', `${path}/messages`)
  assert.deepEqual(kinds(body.events), ['members.added@1', 'message.pinned@2'])
})

test('of very many things that happened at one place a page shows the latest', async (t) => {
  const chat = await testChat(t, { limits: { timelineEvents: 3 } })
  const ann = chat.users.add('ann')
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [] })
  const path = `/api/conversations/${group.id}`
  for (let n = 0; n < 5; n++) await chat.request(ann, 'PATCH', path, { title: `G${n}` })
  const { body } = await chat.request(ann, 'GET', `${path}/messages`)
  assert.deepEqual(
    body.events.map(({ title }: { title: string }) => title),
    ['G2', 'G3', 'G4'],
  )
})

test('what is shown among the messages is told with names, at once', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [] })
  assert.equal((await anns.next('conversation.updated')).entry.kind, 'created')
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [bob.id] })
  const { entry, people } = await anns.next('conversation.updated')
  assert.deepEqual(
    [entry.kind, people.map(({ username }: { username: string }) => username)],
    ['members.added', ['ann', 'bob']],
  )
})
