import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { PublicUser } from '@parley/protocol/user'
import { testChat } from '../chat.fixture.ts'
import { rawDevice } from '../socket/raw.fixture.ts'

const MEMBERS = 600
const MESSAGES = 30

test('two people who write to each other do not wait for a group of hundreds that is busy, where each hears all in order', async (t) => {
  const chat = await testChat(t, { limits: { sendWindow: 100, sendBurst: 1_000 } })
  const people = Array.from({ length: MEMBERS }, (_, index) => chat.users.add(`user${index}`))
  const [owner, ...others] = people.map(({ id }) => id)
  const { body } = await chat.request(people[0]!, 'POST', '/api/conversations', {
    title: 'Hundreds',
    memberIds: others.slice(0, 400),
  })
  const conversationId: string = body.id
  const more = { userIds: others.slice(400) }
  await chat.request(people[0]!, 'POST', `/api/conversations/${conversationId}/members`, more)

  const revs = new Map<string, number[]>()
  let told = 0
  const all = Promise.withResolvers<void>()
  const connect = async (user: PublicUser) => {
    const { ws } = await rawDevice(t, chat.nodes[0]!.url, chat.users.token(user))
    const own: number[] = []
    revs.set(user.id, own)
    ws.on('message', (data) => {
      const text = String(data)
      if (!text.startsWith('42["message.new"') || !text.includes(conversationId)) return
      own.push(JSON.parse(text.slice(2))[1].seq)
      if (++told === (MEMBERS - 1) * MESSAGES) all.resolve()
    })
  }
  for (let from = 1; from < MEMBERS; from += 50) await Promise.all(people.slice(from, from + 50).map(connect))
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [owners, anns, bobs] = [await chat.device(people[0]!), await chat.device(ann), await chat.device(bob)]
  await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'hello' })
  await bobs.next('message.new')

  const sends = Array.from({ length: MESSAGES }, (_, n) =>
    owners.ask('message.send', { id: randomUUID(), conversationId, text: `${n}` }),
  )
  const between = anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'meanwhile' })
  assert.equal((await bobs.next('message.new')).text, 'meanwhile')
  const toldBefore = told
  await Promise.all([between, ...sends])
  const late = setTimeout(() => all.reject(new Error(`told ${told} within 20 s`)), 20_000)
  await all.promise
  clearTimeout(late)
  t.diagnostic(`${toldBefore} of ${told} deliveries of the group came before`)
  assert.ok(toldBefore < told / 2, `${toldBefore} of ${told} came before`)
  assert.equal(revs.has(owner!), false)
  const inOrder = Array.from({ length: MESSAGES }, (_, index) => index + 1)
  for (const own of revs.values()) assert.deepEqual(own, inOrder)
})
