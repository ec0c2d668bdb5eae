import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { testChat } from './chat.fixture.ts'
import { openCursors } from './cursor.ts'

test('a device that was away learns what changed, page by page, and nothing else', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const groups: string[] = []
  for (let n = 0; n < 5; n++) {
    const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: `G${n}`, memberIds: [bob.id] })
    groups.push(body.id)
  }
  // What the relay has yet to raise shows once more.
  while ((await chat.store.log.pending(1)).length > 0) await setImmediate()
  const bobs = await chat.device(bob)
  const seen: string[] = []
  let cursor: string | undefined
  for (let more = true; more; ) {
    const { data } = await bobs.ask('sync', { limit: 2, ...(cursor && { cursor }) })
    seen.push(...data.items.map((item: { id: string }) => item.id))
    cursor = data.cursor
    more = data.more
  }
  assert.deepEqual([...seen].sort(), [...groups].sort())
  assert.deepEqual((await bobs.ask('sync', { cursor })).data.items, [])
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: groups[3], message: 'news' })
  await chat.request(ann, 'DELETE', `/api/conversations/${groups[1]}/members/${bob.id}`)
  await bobs.next('message.new')
  let changed: { id: string; gone?: boolean; me?: { unread: number } }[] = []
  for (let tries = 0; changed.length < 2 && tries < 200; tries++)
    changed = (await bobs.ask('sync', { cursor })).data.items
  assert.deepEqual(
    changed.find((c) => c.id === groups[1]),
    { id: groups[1], gone: true },
  )
  assert.equal(changed.find((c) => c.id === groups[3])?.me?.unread, 1)
  assert.equal(changed.length, 2)
})

test('a device that had nothing yet is told to forget what came and went since', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: nothing } = await chat.request(bob, 'GET', '/api/sync')
  assert.deepEqual(nothing.items, [])
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  const { body: since } = await chat.request(bob, 'GET', `/api/sync?cursor=${encodeURIComponent(nothing.cursor)}`)
  assert.deepEqual(since.items, [{ id: group.id, gone: true }])
  assert.deepEqual((await chat.request(bob, 'GET', '/api/sync')).body.items, [])
})

test('what a sync reads goes by what changed, and not by how many conversations one is in', async (t) => {
  const readsAmong = async (conversations: number): Promise<number> => {
    const chat = await testChat(t)
    const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
    const groups: string[] = []
    for (let n = 0; n < conversations; n++) {
      const { body } = await chat.request(ann, 'POST', '/api/conversations', { title: `G${n}`, memberIds: [bob.id] })
      groups.push(body.id)
    }
    const news = async (cursor?: string) => {
      while ((await chat.store.log.pending(1)).length > 0) await setImmediate()
      const query = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
      return (await chat.request(bob, 'GET', `/api/sync?limit=200${query}`)).body
    }
    const { cursor } = await news()
    for (const receiverId of groups.slice(5, 10))
      await chat.request(ann, 'POST', '/api/messages/send', { receiverId, message: 'news' })
    const counts: number[] = []
    for (let time = 0; time < 3; time++) {
      const before = chat.store.reads
      assert.equal((await news(cursor)).items.length, 5)
      counts.push(chat.store.reads - before)
    }
    // The node reads for itself now and then.
    return Math.min(...counts)
  }
  const few = await readsAmong(15)
  assert.ok(few > 5)
  assert.equal(await readsAmong(150), few)
})

test('the log of a conversation comes in dense pages up to its head', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const anns = await chat.device(ann)
  for (let n = 0; n < 7; n++)
    await anns.ask('message.send', { id: randomUUID(), conversationId: group.id, text: `${n}` })
  const bobs = await chat.device(bob)
  const revs: number[] = []
  let more = true
  while (more) {
    const { data } = await bobs.ask('sync', { conversationId: group.id, rev: revs.at(-1) ?? 0, limit: 3 })
    revs.push(...data.items.map((e: { rev: number }) => e.rev))
    assert.equal(data.headRev, 8)
    more = data.more
  }
  assert.deepEqual(revs, [1, 2, 3, 4, 5, 6, 7, 8])
  assert.equal((await bobs.ask('sync', { conversationId: group.id, rev: 99 })).error.code, 'cursor.expired')
})

test('a cursor that is invented, tampered with, of another user or of another life of the data is refused', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  await chat.request(ann, 'POST', '/api/messages/send', { receiverId: bob.id, message: 'hi' })
  const { body: page } = await chat.request(ann, 'GET', '/api/sync')
  const sync = async (user: typeof ann, cursor: string) =>
    (await chat.request(user, 'GET', `/api/sync?cursor=${encodeURIComponent(cursor)}`)).body.code
  assert.equal(await sync(ann, page.cursor), undefined)
  assert.equal(await sync(bob, page.cursor), 'validation.failed')
  assert.equal(await sync(ann, 'x'), 'validation.failed')
  assert.equal(await sync(ann, '../../etc/passwd'), 'validation.failed')
  assert.equal(await sync(ann, `${page.cursor.slice(0, -2)}AA`), 'validation.failed')
  const key = createSecretKey(randomBytes(32))
  const before = openCursors(key, 'one').write('inbox:x', 7)
  assert.equal(openCursors(key, 'one').read('inbox:x', before), 7)
  assert.throws(() => openCursors(key, 'two').read('inbox:x', before), { code: 'cursor.expired' })
})

test('history comes in pages, oldest first, both ways and around a place', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  for (let n = 1; n <= 10; n++) await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: `${n}` })
  const get = async (query: string) => (await chat.request(bob, 'GET', `/api/messages/get/${ann.id}?${query}`)).body
  const texts = (page: { conversation: { message: string }[] }) => page.conversation.map((m) => Number(m.message))
  const newest = await get('limit=4')
  assert.deepEqual(texts(newest), [7, 8, 9, 10])
  const older = await get(`limit=4&before=${newest.prevCursor}`)
  assert.deepEqual(texts(older), [3, 4, 5, 6])
  const oldest = await get(`limit=4&before=${older.prevCursor}`)
  assert.deepEqual(texts(oldest), [1, 2])
  assert.equal(oldest.prevCursor, undefined)
  assert.deepEqual(texts(await get(`limit=4&after=${oldest.nextCursor}`)), [3, 4, 5, 6])
  assert.deepEqual(texts(await get('limit=3&around=5')), [4, 5, 6])
  assert.deepEqual(texts(await get('limit=1000000000')), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  assert.deepEqual(texts(await get('before=1')), [])
  for (const bad of ['limit=-1', 'limit=x', 'before=zzz', 'before=1&after=1', `before=${'9'.repeat(300)}`])
    assert.equal((await get(bad)).code, 'validation.failed', bad)
  const { body: other } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const foreign = await chat.request(bob, 'GET', `/api/conversations/${other.id}/messages?before=${newest.prevCursor}`)
  assert.equal(foreign.status, 400)
})

test('history is opened at a time: around the first message of then or later, within what one may see', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${group.id}`
  const times: string[] = []
  for (let n = 1; n <= 9; n++) {
    if (n === 6) await chat.request(ann, 'POST', `${path}/members`, { userIds: [eve.id] })
    const sent = await chat.request(ann, 'POST', '/api/messages/send', { receiverId: group.id, message: `${n}` })
    times.push(sent.body.createdAt)
    // The next one is of a later millisecond.
    while (new Date().toISOString() <= times.at(-1)!) await setImmediate()
  }
  const get = async (user: typeof ann, at: string, limit = 3) =>
    (await chat.request(user, 'GET', `${path}/messages?limit=${limit}&at=${encodeURIComponent(at)}`)).body
  const seqs = (page: { items: { seq: number }[] }) => page.items.map(({ seq }) => seq)
  for (let n = 1; n <= 9; n++) {
    const around = Math.min(Math.max(n - 1, 1), 7)
    assert.deepEqual(seqs(await get(bob, times[n - 1]!)), [around, around + 1, around + 2], `at the time of ${n}`)
    const before = new Date(Date.parse(times[n - 1]!) - 1).toISOString()
    assert.deepEqual(seqs(await get(bob, before)), [around, around + 1, around + 2], `just before ${n}`)
  }
  const page = await get(bob, times[4]!)
  assert.ok(page.prevCursor && page.nextCursor, 'it goes on both ways')
  assert.deepEqual(seqs(await get(bob, '1999-01-01T00:00:00+01:00')), [1, 2, 3])
  assert.deepEqual(seqs(await get(bob, '2999-01-01T00:00:00Z')), [7, 8, 9], 'after the newest there is the newest')
  assert.deepEqual(seqs(await get(eve, times[0]!)), [6, 7, 8], 'who joined later sees from then on')
  for (const bad of ['soon', '2026-11-01', '', '2026-02-30T00:00:00Z'])
    assert.equal((await get(bob, bad)).code, 'validation.failed', bad)
  const both = await chat.request(bob, 'GET', `${path}/messages?at=2999-01-01T00:00:00Z&around=1`)
  assert.equal(both.status, 400)
})

test('too many syncs at once wait, and are then refused with a time to come back', async (t) => {
  const chat = await testChat(t, { limits: { syncsAtOnce: 1 } })
  const ann = chat.users.add('ann')
  const anns = await chat.device(ann)
  const acks = await Promise.all(Array.from({ length: 40 }, () => anns.ask('sync', {})))
  const refused = acks.filter((ack) => !ack.ok)
  assert.ok(acks.length > refused.length)
  for (const { error } of refused) {
    assert.equal(error.code, 'unavailable')
    assert.ok(error.retryAfterMs >= 1_000)
  }
})
