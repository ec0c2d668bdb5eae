import assert from 'node:assert/strict'
import { createECDH } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '@parley/sdk'
import { memoryStorage } from '@parley/sdk/memory'
import { openParley, type Parley, type Person } from './telling.fixture.ts'

test('who is not here is pushed a message, and told why; who sent it and who is here are not', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const [bobs, anns] = [await bob.browser(), await ann.browser()]
  const { conversationId, seq } = await ann.say(bob.id, 'Hello, Bob')
  const [first] = await parley.push.until(1)
  assert.equal(first?.browser.id, bobs.id)
  assert.deepEqual(first.body, {
    ...{ v: 1, tag: conversationId, conversationId, seq, count: 1, kind: 'direct', sender: 'ann' },
    ...{ because: 'message', text: 'Hello, Bob' },
  })
  assert.deepEqual([first.headers.urgency, first.headers.ttl], ['high', String(4 * 3_600)])
  const why = await sent(bob, conversationId, seq)
  assert.deepEqual([why.outcome, why.code], ['push', 'message'])
  assert.deepEqual(
    why.pushes?.map(({ device, state, text }) => [device, state, text]),
    [['Firefox on Linux', 'sent', 'The push service took it.']],
  )
  assert.deepEqual((await ann.why(conversationId, seq)).text, 'You sent it yourself.')

  const client = createClient({ url: parley.url, storage: memoryStorage(), tokens: 'body' })
  t.after(() => client.close())
  await client.login({ email: 'ann@example.org', password: 'correct horse battery' })
  client.connect()
  await client.settled(AbortSignal.timeout(10_000))
  const answered = async () => {
    const answer = await bob.say(conversationId, 'Hello, Ann')
    return (await ann.why(conversationId, answer.seq)).code
  }
  while ((await answered()) !== 'active.device');
  const before = parley.push.pushed.length
  assert.equal(await answered(), 'active.device')
  assert.equal(parley.push.pushed.length, before)
  client.setActive(false)
  while ((await answered()) === 'active.device');
  assert.equal((await parley.push.until(before + 1)).at(-1)?.browser.id, anns.id)
})

test('what comes within the grace is one push, of the mention before what was said after it; what was read is none', async (t) => {
  const parley = await openParley(t, { PUSH_GRACE_MS: '400' })
  const { ann, bob, cleo, group } = await three(parley)
  await ann.say(group, 'one')
  await ann.say(group, '@bob two')
  const { seq } = await ann.say(group, 'three')
  await cleo.ask('POST', `/api/conversations/${group}/receipts`, { readSeq: seq })
  const [first] = await parley.push.until(1)
  const { count, text, because, title } = first!.body
  assert.deepEqual({ count, text, because, title }, { count: 3, text: '@bob two', because: 'mention', title: 'Tea' })
  assert.equal((await cleo.why(group, seq)).text, 'You had read it already.')
  assert.equal((await bob.why(group, 1)).code, 'message')
  assert.equal((await bob.why(group, 2)).code, 'mention')
  assert.equal(parley.push.pushed.length, 1)
  await ann.say(group, 'four')
  const [, second] = await parley.push.until(2)
  const tags = new Set(parley.push.pushed.map(({ headers, body }) => `${headers.topic} ${body.tag}`))
  assert.equal(tags.size, 1, 'each takes the place of the one before')
  assert.equal(second?.headers.urgency, 'normal')
})

test('what one has set for the conversation and for all is kept to', async (t) => {
  const parley = await openParley(t)
  const { ann, bob, group } = await three(parley)
  const set = (change: object) => bob.ask('PATCH', `/api/conversations/${group}/settings`, change)
  const prefer = async (change: object) => {
    const { status, body } = await bob.ask('PATCH', '/api/notifications/preferences', change)
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }
  const why = async (message: string, more?: object) => {
    const { seq } = await ann.say(group, message, more)
    return (await bob.why(group, seq)).code
  }
  await set({ level: 'mentions' })
  assert.equal(await why('hello'), 'level.mentions')
  assert.equal(await why('hello @bob'), 'mention')
  const { seq: own } = await bob.say(group, 'mine')
  assert.equal(await why('to you', { replyTo: own }), 'reply')
  await set({ level: 'none' })
  assert.equal(await why('hello @bob'), 'level.none')
  await set({ level: 'all', mutedUntil: new Date(Date.now() + 60_000).toISOString() })
  assert.equal(await why('hello @bob'), 'muted')
  await set({ mutedUntil: null })
  assert.deepEqual((await bob.ask('GET', '/api/notifications/preferences')).body, {
    ...{ level: 'all', push: true, doNotDisturbUntil: null, quietHours: null, digest: true, locale: 'en' },
  })
  await prefer({ level: 'mentions' })
  assert.equal(await why('hello'), 'all.mentions')
  assert.equal(await why('hello @bob'), 'mention')
  const { conversationId, seq } = await ann.say(bob.id, 'Only to you')
  assert.equal((await bob.why(conversationId, seq)).code, 'message')
  await prefer({ level: 'none' })
  assert.equal(await why('hello @bob'), 'all.none')
  await prefer({ level: 'all' })
  const later = new Date(Date.now() + 60_000).toISOString()
  assert.equal((await prefer({ doNotDisturbUntil: later })).doNotDisturbUntil, later)
  assert.equal(await why('hello'), 'do.not.disturb')
  const quietHours = { from: '00:00', to: '00:00', timeZone: 'Europe/Berlin' }
  assert.deepEqual(await prefer({ doNotDisturbUntil: null, quietHours }), {
    ...{ level: 'all', push: true, doNotDisturbUntil: null, quietHours, digest: true, locale: 'en' },
  })
  assert.equal(await why('hello'), 'quiet.hours')
  await prefer({ push: false })
  assert.equal(await why('hello'), 'channel.off')
  await prefer({ push: true, quietHours: null })
  assert.equal(await why('hello'), 'message')
  for (const wrong of [
    {},
    { push: 'yes' },
    { level: 'some' },
    { doNotDisturbUntil: 'tomorrow' },
    { quietHours: { from: '24:00', to: '07:00', timeZone: 'UTC' } },
    { quietHours: { from: '22:00', to: '07:00', timeZone: 'Mars/Olympus' } },
    { quietHours: { from: '22:00', to: '07:00', timeZone: '+01:00' } },
  ])
    assert.equal((await bob.ask('PATCH', '/api/notifications/preferences', wrong)).status, 400, JSON.stringify(wrong))
})

test('a push service that is busy is asked again, one that has lost the browser or refuses is not', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const { deviceId } = await bob.browser('Phone')
  parley.push.answers = [{ status: 429, headers: { 'retry-after': '1' } }, { status: 503 }]
  const asked = Date.now()
  const { conversationId, seq } = await ann.say(bob.id, 'one')
  await parley.push.until(1)
  assert.ok(Date.now() - asked >= 1_000, 'not before it may be')
  assert.deepEqual((await sent(bob, conversationId, seq)).pushes?.length, 1)

  parley.push.answers = ['cut']
  await ann.say(bob.id, 'answer lost')
  const [, first, again] = await parley.push.until(3)
  assert.deepEqual(first?.body, again?.body)
  assert.equal(first?.headers.topic, again?.headers.topic, 'both copies show as one')

  parley.push.answers = [{ status: 403 }]
  const refused = await ann.say(bob.id, 'refused')
  const why = await settled(bob, conversationId, refused.seq)
  assert.deepEqual(
    why.map(({ state, text }) => [state, text]),
    [['failed', 'The push service refused it (403).']],
  )
  parley.push.answers = [{ status: 410 }]
  const gone = await ann.say(bob.id, 'gone')
  assert.equal((await settled(bob, conversationId, gone.seq))[0]?.text, 'The device is not registered any more.')
  assert.deepEqual((await bob.ask('GET', '/api/devices')).body, { items: [] })
  const last = await ann.say(bob.id, 'to nobody')
  assert.equal((await bob.why(conversationId, last.seq)).code, 'no.device')
  assert.equal((await bob.ask('DELETE', `/api/devices/${deviceId}`)).status, 404)
})

test('what was read or deleted while a push waited is pushed no more', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await bob.browser()
  const busy = { status: 503, headers: { 'retry-after': '1' } }
  parley.push.answers = [busy]
  const one = await ann.say(bob.id, 'one')
  await waiting(bob, one.conversationId, one.seq)
  await bob.ask('POST', `/api/conversations/${one.conversationId}/receipts`, { readSeq: one.seq })
  assert.match((await settled(bob, one.conversationId, one.seq))[0]!.text, /You had read it already/)
  parley.push.answers = [busy]
  const two = await ann.say(bob.id, 'two')
  await waiting(bob, two.conversationId, two.seq)
  await ann.ask('DELETE', `/api/conversations/${two.conversationId}/messages/${two.seq}`)
  assert.match((await settled(bob, two.conversationId, two.seq))[0]!.text, /It was deleted/)
  assert.equal(parley.push.pushed.length, 0)
})

test('what was edited while a push waited is told as it is now, and not as it was', async (t) => {
  const parley = await openParley(t)
  const { ann, bob, group } = await three(parley)
  parley.push.answers = [{ status: 503, headers: { 'retry-after': '1' } }]
  const { seq } = await ann.say(group, '@bob the password is hunter2')
  await waiting(bob, group, seq)
  const edit = { text: 'see you at five' }
  assert.equal((await ann.ask('PATCH', `/api/conversations/${group}/messages/${seq}`, edit)).status, 200)
  const [pushed] = await parley.push.until(1)
  const { text, because, seq: told } = pushed!.body
  assert.deepEqual([text, because, told], ['see you at five', 'message', seq])
})

test('a device is whose it was registered for last, and goes with its session and its account', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const { subscription, deviceId } = await bob.browser('Shared')
  const { body } = await ann.ask('POST', '/api/devices', { ...subscription, name: 'Now Ann’s' })
  assert.equal(body.id, deviceId)
  assert.deepEqual((await bob.ask('GET', '/api/devices')).body.items, [])
  assert.deepEqual((await ann.ask('GET', '/api/devices')).body.items, [
    { id: deviceId, kind: 'webpush', name: 'Now Ann’s', registeredAt: body.registeredAt, current: true },
  ])
  assert.equal((await bob.ask('DELETE', `/api/devices/${deviceId}`)).status, 404)
  await bob.browser('Bob’s own')
  const other = await signIn(parley, 'bob')
  const { items } = (await other('GET', '/api/devices')).body
  assert.deepEqual(
    items.map(({ name, current }: { name: string; current: boolean }) => [name, current]),
    [['Bob’s own', false]],
  )
  await bob.ask('POST', '/api/user/logout', {})
  while ((await other('GET', '/api/devices')).body.items.length > 0);
  assert.equal((await bob.ask('GET', '/api/devices')).status, 401)
  await ann.ask('DELETE', '/api/user/me', { password: 'correct horse battery', messages: 'keep' })
  const carl = await parley.person('carl')
  assert.equal((await carl.ask('POST', '/api/devices', subscription)).status, 201)
})

test('addresses of other servers, and keys that are none, are refused', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  const { subscription } = parley.push.subscribe('')
  const register = async (more: object) => (await ann.ask('POST', '/api/devices', { ...subscription, ...more })).status
  for (const endpoint of [
    'https://127.0.0.1/x',
    'https://127.0.0.1:1/x',
    'https://localhost/x',
    'https://169.254.169.254/latest',
    `http://${parley.push.host}/x`,
    `https://ann:secret@${parley.push.host}/x`,
    'https://evil.example/fcm.googleapis.com',
    'https://fcm.googleapis.com.evil.example/x',
    'https://push.apple.com.evil.example/x',
    'https://fcm.googleapis.com:444/x',
    `https://fcm.googleapis.com/${'x'.repeat(2_100)}`,
    'not a url',
  ])
    assert.equal(await register({ endpoint }), 400, endpoint)
  const off = Buffer.from(createECDH('prime256v1').generateKeys())
  off[64]! ^= 1
  for (const p256dh of [off.toString('base64url'), 'AA', 'x'.repeat(87), ''])
    assert.equal(await register({ keys: { ...subscription.keys, p256dh } }), 400, p256dh)
  assert.equal(await register({ keys: { ...subscription.keys, auth: 'AAAA' } }), 400)
  assert.equal(await register({ name: 'x\u202ey' }), 400)
  assert.equal(await register({ endpoint: 'https://web.push.apple.com/x' }), 201)
  assert.equal(await register({ endpoint: 'https://wns2-par02p.notify.windows.com/w/?token=x' }), 201)
})

test('what waits when the services end is decided and pushed when they are back, once', async (t) => {
  const parley = await openParley(t, { PUSH_GRACE_MS: '600' })
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await bob.browser()
  const { conversationId, seq } = await ann.say(bob.id, 'one')
  assert.equal(
    (await bob.ask('GET', `/api/notifications/why?conversationId=${conversationId}&seq=${seq}`)).body.outcome,
    'waiting',
  )
  await parley.restart()
  await ann.say(bob.id, 'two')
  const [first] = await parley.push.until(1)
  assert.ok(first)
  const { seq: last } = await ann.say(bob.id, 'three')
  await sent(bob, conversationId, last)
  const told = parley.push.pushed.reduce((sum, { body }) => sum + Number(body.count), 0)
  assert.equal(told, 3, 'each message was told of in one push')
})

test('what comes while a message waits is one push with it, and is pushed too when the process was lost in between', async (t) => {
  const parley = await openParley(t, { PUSH_GRACE_MS: '2000' })
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await bob.browser()
  for (const text of ['one', 'two', 'three']) await ann.say(bob.id, text)
  const [first] = await parley.push.until(1)
  assert.deepEqual([first?.body.count, first?.body.text], [3, 'three'])
  // Long enough that the next is heard while this one waits, and has been heard when the services end. Where it is not, it is told all the same.
  await ann.say(bob.id, 'four')
  await pause(300)
  await ann.say(bob.id, 'five')
  await pause(300)
  await parley.restart()
  const told = () => parley.push.pushed.reduce((sum, { body }) => sum + Number(body.count), 0)
  while (told() < 5) await parley.push.until(parley.push.pushed.length + 1)
  assert.equal(told(), 5)
  assert.equal(parley.push.pushed.at(-1)?.body.text, 'five')
})

test('a push says no more than the operator lets it', async (t) => {
  const parley = await openParley(t, { PUSH_CONTENT: 'none' })
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await bob.browser()
  const { conversationId, seq } = await ann.say(bob.id, 'secret')
  const [none] = await parley.push.until(1)
  assert.deepEqual(none?.body, { v: 1, tag: conversationId, conversationId, seq, count: 1 })
  await parley.restart({ PUSH_CONTENT: 'sender' })
  await ann.say(bob.id, 'secret')
  const [, sender] = await parley.push.until(2)
  assert.equal(sender?.body.sender, 'ann')
  assert.ok(!JSON.stringify(sender?.body).includes('secret'))
})

async function three(parley: Parley) {
  const [ann, bob, cleo] = [await parley.person('ann'), await parley.person('bob'), await parley.person('cleo')]
  const { body } = await ann.ask('POST', '/api/conversations', { title: 'Tea', memberIds: [bob.id, cleo.id] })
  await bob.browser()
  return { ann, bob, cleo, group: body.id as string }
}

/** As soon as its pushes have been sent, or given up. */
async function sent(person: Person, conversationId: string, seq: number) {
  await settled(person, conversationId, seq)
  return person.why(conversationId, seq)
}

async function settled(person: Person, conversationId: string, seq: number) {
  for (;;) {
    const { pushes = [] } = await person.why(conversationId, seq)
    if (pushes.length > 0 && pushes.every(({ state }) => state !== 'waiting')) return pushes
  }
}

/** As soon as it was tried once, and is to be tried again. */
async function waiting(person: Person, conversationId: string, seq: number): Promise<void> {
  for (;;) {
    const { pushes = [] } = await person.why(conversationId, seq)
    if (pushes.some(({ state, text }) => state === 'waiting' && text.includes('tried again'))) return
  }
}

/** Another session of that person. */
async function signIn(parley: Parley, name: string): Promise<Person['ask']> {
  const login = { email: `${name}@example.org`, password: 'correct horse battery', tokens: 'body' }
  const ask: (token: string) => Person['ask'] = (token) => async (method, path, body) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const reply = await fetch(`${parley.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    return { status: reply.status, body: await reply.json() }
  }
  return ask((await ask('')('POST', '/api/user/login', login)).body.token)
}
