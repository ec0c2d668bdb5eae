import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { SearchPage } from '@parley/protocol/search'
import type { PublicUser } from '@parley/protocol/user'
import { type TestChat, testChat } from './chat.fixture.ts'
import { openCursors } from './cursor.ts'
import { directId } from './direct.ts'
import type { MessagesFound } from './store/store.ts'

async function look(chat: TestChat, user: PublicUser, q: string, more = ''): Promise<SearchPage> {
  const reply = await chat.request(user, 'GET', `/api/search?q=${encodeURIComponent(q)}${more}`)
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  const { items, nextCursor } = reply.body as SearchPage
  if (items.length > 0 || nextCursor === undefined) return reply.body
  // A busy machine gives what it has found by then, and a cursor.
  return look(chat, user, q, `&cursor=${encodeURIComponent(nextCursor)}`)
}

const textsOf = (page: SearchPage): string[] => page.items.map(({ message }) => message.text)

async function say(chat: TestChat, from: PublicUser, to: string, ...texts: string[]): Promise<void> {
  for (const message of texts) {
    const { status } = await chat.request(from, 'POST', '/api/messages/send', { receiverId: to, message })
    assert.equal(status, 201)
  }
}

async function groupOf(chat: TestChat, owner: PublicUser, title: string, ...others: PublicUser[]): Promise<string> {
  const memberIds = others.map(({ id }) => id)
  return (await chat.request(owner, 'POST', '/api/conversations', { title, memberIds })).body.id
}

test('what was said is found by its words, with the places of them in the text, as whoever said it wrote it', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await say(chat, ann, bob.id, 'Café at noon', 'the CAFÉ is closed', '会議は東京')
  const page = await look(chat, bob, 'cafe')
  assert.equal(page.behind, false)
  assert.ok(Math.abs(Date.now() - Date.parse(page.indexedUpTo)) < 5_000)
  assert.deepEqual(
    page.items.map(({ conversationId, message, highlights }) => [
      conversationId,
      message.seq,
      message.sender,
      highlights.map(([from, to]) => message.text.slice(from, to)),
    ]),
    [
      [directId(ann.id, bob.id), 2, 'ann', ['CAFÉ']],
      [directId(ann.id, bob.id), 1, 'ann', ['Café']],
    ],
  )
  assert.deepEqual(textsOf(await look(chat, bob, '京')), ['会議は東京'])
  assert.deepEqual(textsOf(await look(chat, bob, '"at noon" caf')), ['Café at noon'])
  assert.deepEqual(textsOf(await look(chat, bob, 'nowhere')), [])
})

test('operators narrow a search to who said it, where, when, and to links', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('Bob'), chat.users.add('eve')]
  const team = await groupOf(chat, ann, 'The Team', bob)
  await say(chat, ann, team, 'tea for all', 'https://example.org/tea')
  await say(chat, bob, team, 'tea for two')
  await say(chat, bob, ann.id, 'tea, just us')
  const found = async (q: string) => textsOf(await look(chat, ann, q))
  assert.deepEqual(await found('tea from:BOB'), ['tea, just us', 'tea for two'])
  assert.deepEqual(await found(`tea from:${bob.id}`), ['tea, just us', 'tea for two'])
  assert.deepEqual(await found('tea from:me'), ['https://example.org/tea', 'tea for all'])
  assert.deepEqual(await found('from:bob from:me in:"the team"'), [
    'tea for two',
    'https://example.org/tea',
    'tea for all',
  ])
  assert.deepEqual(await found(`in:${team} two`), ['tea for two'])
  assert.deepEqual(await found('tea in:bob'), ['tea, just us'], 'a direct conversation is in: the other')
  assert.deepEqual(await found('tea has:link'), ['https://example.org/tea'])
  assert.deepEqual(await found('has:link'), ['https://example.org/tea'])
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  assert.equal((await found(`tea before:${tomorrow}`)).length, 4)
  assert.deepEqual(await found(`tea after:${tomorrow}`), [])
  for (const nobody of [
    'from:nobody',
    `from:${randomUUID()}`,
    'from:eve',
    'in:eve',
    `in:${randomUUID()}`,
    'in:nowhere',
  ])
    assert.deepEqual(await found(`tea ${nobody}`), [], nobody)
  assert.deepEqual(textsOf(await look(chat, eve, 'in:team')), [])
})

test('nobody finds what membership does not show: strangers, who left, and what was said before one came', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const team = await groupOf(chat, ann, 'Team', bob)
  await say(chat, ann, team, 'secret one')
  assert.deepEqual(textsOf(await look(chat, bob, 'secret')), ['secret one'])
  for (const q of ['secret', `secret in:${team}`, 'secret in:Team', 'secret from:ann'])
    assert.deepEqual(textsOf(await look(chat, eve, q)), [], `to a stranger there is nothing: ${q}`)
  await chat.request(ann, 'POST', `/api/conversations/${team}/members`, { userIds: [eve.id] })
  await say(chat, ann, team, 'secret two')
  assert.deepEqual(textsOf(await look(chat, eve, 'secret')), ['secret two'])
  await chat.request(ann, 'DELETE', `/api/conversations/${team}/members/${bob.id}`)
  assert.deepEqual(textsOf(await look(chat, bob, 'secret')), [])
  await chat.request(ann, 'POST', `/api/conversations/${team}/members`, { userIds: [bob.id] })
  assert.deepEqual(textsOf(await look(chat, bob, 'secret')), [], 'who comes back sees from then on')
})

test('who is removed while the store looks is given nothing that it found, nor is who is added again at once', async (t) => {
  let meanwhile: () => Promise<unknown> = async () => {}
  let found = 0
  const chat = await testChat(t, {
    store: (store) => ({
      ...store,
      epoch: store.epoch,
      healthy: true,
      search: {
        async find(search): Promise<MessagesFound> {
          const looked = await store.search.find(search)
          found += looked.messages.length
          await meanwhile()
          return looked
        },
      },
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const team = await groupOf(chat, ann, 'Team', bob)
  const members = `/api/conversations/${team}/members`
  const remove = async () => assert.ok((await chat.request(ann, 'DELETE', `${members}/${bob.id}`)).status < 300)
  const add = async () => assert.ok((await chat.request(ann, 'POST', members, { userIds: [bob.id] })).status < 300)
  const addAgain = () => remove().then(add)
  for (const [word, change] of [
    ['first', remove],
    ['second', addAgain],
  ] as const) {
    await say(chat, ann, team, `the ${word} secret`)
    meanwhile = async () => {}
    assert.deepEqual(textsOf(await look(chat, bob, word)), [`the ${word} secret`])
    found = 0
    meanwhile = change
    const page = await look(chat, bob, word)
    assert.equal(found, 1, 'the store had found it')
    assert.deepEqual(textsOf(page), [])
    assert.ok(!JSON.stringify(page).includes('secret'))
    if (change === remove) await add()
  }
  meanwhile = async () => {}
  await say(chat, ann, team, 'the third')
  assert.deepEqual(textsOf(await look(chat, bob, 'the')), ['the third'])
})

test('an edit is found by its new text only, a deleted message by nothing', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await say(chat, ann, bob.id, 'quokka one', 'quokka two')
  const path = `/api/conversations/${directId(ann.id, bob.id)}/messages`
  assert.equal((await chat.request(ann, 'PATCH', `${path}/1`, { text: 'wombat one' })).status, 200)
  assert.equal((await chat.request(ann, 'DELETE', `${path}/2`)).status, 200)
  assert.deepEqual(textsOf(await look(chat, bob, 'quokka')), [])
  const [edited] = (await look(chat, bob, 'wombat')).items
  assert.equal(edited?.message.edits, 1)
})

test('a block takes away nothing of what both had before, and adds nothing', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await say(chat, ann, bob.id, 'before the block')
  const [low, high] = [ann.id, bob.id].sort() as [string, string]
  const side = (userId: string) => ({ userId, username: '', wants: false, blocks: userId === bob.id, rev: 1 })
  const event = {
    type: 'contact.changed',
    id: randomUUID(),
    rev: 1,
    at: new Date().toISOString(),
    data: { low: side(low), high: side(high) },
  }
  await chat.bus.publish(event as unknown as Parameters<typeof chat.bus.publish>[0])
  assert.equal(
    (await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'block me' })).status,
    403,
  )
  for (const one of [ann, bob]) assert.deepEqual(textsOf(await look(chat, one, 'block')), ['before the block'])
})

test('pages go on where the last one ended, for the same search of the same user only', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await say(chat, ann, bob.id, 'tea 1', 'tea 2', 'tea 3')
  const first = await look(chat, ann, 'tea', '&limit=2')
  assert.deepEqual(textsOf(first), ['tea 3', 'tea 2'])
  await say(chat, ann, bob.id, 'tea 4')
  const cursor = `&cursor=${encodeURIComponent(first.nextCursor!)}`
  assert.deepEqual(textsOf(await look(chat, ann, ' tea ', cursor)), ['tea 1'])
  const refused = async (user: PublicUser, q: string, given: string) =>
    (await chat.request(user, 'GET', `/api/search?q=${q}&cursor=${encodeURIComponent(given)}`)).body.code
  assert.equal(await refused(bob, 'tea', first.nextCursor!), 'validation.failed', 'of another user')
  assert.equal(await refused(ann, 'coffee', first.nextCursor!), 'validation.failed', 'of another search')
  for (const made of [
    'x',
    '0',
    'a'.repeat(400),
    `${first.nextCursor!.slice(0, -2)}AA`,
    Buffer.from('x.1.2').toString('base64url'),
  ])
    assert.equal(await refused(ann, 'tea', made), 'validation.failed', made)
  const key = createSecretKey(randomBytes(32))
  const old = openCursors(key, 'epoch of before').writeText('a list', '17~x~3')
  assert.equal(openCursors(key, 'epoch of before').readText('a list', old), '17~x~3')
  assert.throws(() => openCursors(key, 'another').readText('a list', old), { code: 'cursor.expired' })
})

test('what is no search is refused, and searches are bounded', async (t) => {
  const chat = await testChat(t, { limits: { searchesPerSecond: 1, searchBurst: 24 } })
  const ann = chat.users.add('ann')
  const statusOf = async (query: string) => (await chat.request(ann, 'GET', `/api/search${query}`)).status
  for (const bad of [
    '',
    '?q=',
    '?q=%20%20',
    '?q=%22%22',
    '?q=%CC%81',
    `?q=${'x'.repeat(201)}`,
    '?q=%00',
    '?q=a&q=b',
    '?q[$ne]=x',
    '?q=a&limit=-1',
    '?q=a&limit=0',
    '?q=a&limit=x',
    '?q=a&cursor=',
  ])
    assert.equal(await statusOf(bad), 400, bad)
  for (const odd of [
    '?q=a&limit=1e9',
    `?q=${'%F0%9F%91%8D'.repeat(200)}`,
    '?q=%25_*.%5C()%5B',
    "?q='%20OR%201=1--",
    '?q=NEAR(a%20b)%20AND%20*',
  ])
    assert.equal(await statusOf(odd), 200, odd)
  const statuses = await Promise.all(Array.from({ length: 24 }, () => statusOf('?q=a')))
  assert.ok(statuses.includes(429), 'faster than that is refused')
  assert.equal((await fetch(`${chat.nodes[0]!.url}/api/search?q=a`)).status, 401)
})
