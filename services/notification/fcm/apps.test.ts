import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { type TestContext, test } from 'node:test'
import { type FcmBehaviour, type FcmService, openFcmService } from '@parley/infra/fcm-service'
import fc from 'fast-check'
import { openParley, type Person } from '../telling.fixture.ts'

// The first test of this file, since what is loaded stays so.
test('who does not push by FCM does not load its client', async (t) => {
  const loaded = (): boolean =>
    Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('/firebase-admin/'))
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await bob.browser()
  await ann.say(bob.id, 'hello')
  await parley.push.until(1)
  assert.equal(loaded(), false)
  const { account, proxy } = await openFcmService(t)
  await parley.restart({ FCM_SERVICE_ACCOUNT: account, FCM_PROXY: proxy })
  assert.equal(loaded(), true)
})

test('an app is pushed what a browser is, and whatever comes of it is told alike', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await bob.browser()
  const phone = await app(google, bob, { platform: 'ios', name: 'Phone' })
  assert.deepEqual((await bob.ask('GET', '/api/notifications/push-key')).body.fcm, true)
  const said = await ann.say(bob.id, 'Hello, Bob')
  const [message] = await google.until(1)
  assert.equal(message?.token, phone.token)
  assert.deepEqual(message.apns.payload.aps, {
    ...{ alert: { title: 'ann', body: 'Hello, Bob' }, sound: 'default', 'mutable-content': 1 },
    'thread-id': said.conversationId,
  })
  assert.equal(message.data.seq, String(said.seq))
  const [toBrowser] = await parley.push.until(1)
  assert.equal(message.apns.headers['apns-collapse-id'], toBrowser?.headers.topic)
  assert.deepEqual(await pushes(bob, said, 2), [
    ['Firefox on Linux', 'sent', 'The push service took it.'],
    ['Phone', 'sent', 'The push service took it.'],
  ])
  const test = (await bob.ask('POST', '/api/notifications/test')).body
  assert.equal((await google.until(2))[1]?.data.test, test.id)
})

test('FCM that is busy is asked again when it may be, and an answer that was lost shows nothing twice', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await app(google, bob)
  google.answers = [
    { status: 429, code: 'QUOTA_EXCEEDED', headers: { 'retry-after': '1' } },
    { status: 503, code: 'UNAVAILABLE' },
    { status: 500, code: 'INTERNAL' },
  ]
  const asked = Date.now()
  await pushes(bob, await ann.say(bob.id, 'one'))
  assert.ok(Date.now() - asked >= 1_000, 'not before it may be')
  assert.equal(google.asked, 4)
  google.answers = ['cut']
  await pushes(bob, await ann.say(bob.id, 'answer lost'))
  const [, first, again] = await google.until(3)
  // The second has less time left, of what it is worth.
  const shown = [first, again].map((one) => [
    one?.token,
    one?.data,
    one?.android.notification,
    one?.android.collapse_key,
  ])
  assert.deepEqual(shown[0], shown[1])
  assert.equal(first?.android.notification.tag, first?.data.conversationId, 'both copies show as one')
  google.endAccess()
  assert.deepEqual((await pushes(bob, await ann.say(bob.id, 'two'))).at(-1)?.[1], 'sent')
  assert.equal(google.messages.length, 4)
})

test('whatever goes wrong, and in whatever order, a push arrives in the end, and is one notice', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await app(google, bob)
  const at = { 'retry-after': '0' }
  const wrong = fc.constantFrom<FcmBehaviour | 'no access'>(
    ...(['cut', 'no access', { status: 500, code: 'INTERNAL' }, { status: 502, page: 'Bad Gateway' }] as const),
    { status: 503, code: 'UNAVAILABLE', headers: at },
    { status: 429, code: 'QUOTA_EXCEEDED', headers: at },
    { status: 403, code: 'PERMISSION_DENIED' },
    { slowMs: 5 },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(wrong, { maxLength: 5 }), async (all) => {
      const before = google.messages.length
      if (all.includes('no access')) google.endAccess()
      google.answers = all.filter((one) => one !== 'no access')
      const said = await ann.say(bob.id, 'hello')
      assert.deepEqual((await pushes(bob, said))[0]?.[1], 'sent')
      const copies = google.messages.slice(before)
      const lost = all.findIndex((one) => typeof one === 'object' && 'slowMs' in one)
      const cut = (lost < 0 ? all : all.slice(0, lost)).filter((one) => one === 'cut').length
      assert.equal(copies.length, cut + 1, 'only what was taken without an answer is sent again')
      const notices = new Set(copies.map(({ data, android }) => JSON.stringify([data, android.notification])))
      assert.equal(notices.size, 1)
    }),
    { numRuns: 8 },
  )
})

test('what had to wait does not take the place of what is newer', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await app(google, bob, { name: 'Phone' })
  google.answering = ({ android }) =>
    android.notification.body === 'one' ? { status: 500, code: 'INTERNAL' } : undefined
  const first = await ann.say(bob.id, 'one')
  while (google.asked < 1) await bob.why(first.conversationId, first.seq)
  await pushes(bob, await ann.say(bob.id, 'two'))
  assert.deepEqual(await pushes(bob, first), [
    ['Phone', 'dropped', 'It was not sent any more, since a newer message of the conversation is shown in its place.'],
  ])
  assert.deepEqual(
    google.messages.map(({ android }) => android.notification.body),
    ['two'],
  )
})

test('an app that is gone is registered no more, nor is one that is refused time and again', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const phone = await app(google, bob)
  google.unregister(phone.token)
  const gone = await pushes(bob, await ann.say(bob.id, 'one'))
  assert.deepEqual(gone, [['', 'failed', 'The device is not registered any more.']])
  assert.deepEqual((await bob.ask('GET', '/api/devices')).body.items, [])
  await app(google, bob, { name: 'Other' })
  const refused = { status: 400, code: 'INVALID_ARGUMENT' }
  for (const n of [1, 2, 3, 4, undefined, 1, 2, 3, 4]) {
    google.answers = n ? [refused] : []
    const [push] = await pushes(bob, await ann.say(bob.id, 'again'))
    assert.deepEqual(
      push,
      n
        ? ['Other', 'failed', 'The push service refused it (400 INVALID_ARGUMENT).']
        : ['Other', 'sent', 'The push service took it.'],
    )
  }
  google.answers = [refused]
  await pushes(bob, await ann.say(bob.id, 'the last'))
  assert.deepEqual((await bob.ask('GET', '/api/devices')).body.items, [])
})

test('an app is whose it was registered for last, and goes with the session, as a browser does', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const phone = await app(google, bob, { name: 'Shared' })
  const { status, body } = await ann.ask('POST', '/api/devices', { kind: 'fcm', token: phone.token, platform: 'web' })
  assert.deepEqual([status, body.id, body.kind, body.current], [201, phone.id, 'fcm', true])
  assert.deepEqual((await bob.ask('GET', '/api/devices')).body.items, [])
  assert.equal((await bob.ask('DELETE', `/api/devices/${phone.id}`)).status, 404)
  const { seq, conversationId } = await bob.say(ann.id, 'To the web')
  const [message] = await google.until(1)
  assert.deepEqual(message?.data.text, 'To the web', 'on the web the page’s own worker shows it')
  assert.equal(message.webpush.notification, undefined)
  assert.equal((await bob.why(conversationId, seq)).code, 'own.message')
  await ann.ask('POST', '/api/user/logout', {})
  for (;;) {
    const { seq: next } = await bob.say(ann.id, 'To nobody')
    await bob.why(conversationId, next)
    const again = await bob.ask('POST', '/api/devices', { kind: 'fcm', token: phone.token, platform: 'android' })
    if ((await bob.ask('GET', '/api/devices')).body.items.length === 1) {
      assert.equal(again.body.id, phone.id)
      break
    }
  }
  for (const wrong of [
    { token: '', platform: 'ios' },
    { token: 'x'.repeat(3_000), platform: 'ios' },
    { token: 'a b'.repeat(30), platform: 'ios' },
    { token: `${phone.token}\n`, platform: 'ios' },
    { token: phone.token, platform: 'windows' },
    { token: phone.token },
    { token: phone.token, platform: 'ios', form: 'both' },
    { platform: 'ios', endpoint: 'https://fcm.googleapis.com/x', keys: { p256dh: 'x', auth: 'y' } },
  ])
    assert.equal((await bob.ask('POST', '/api/devices', { kind: 'fcm', ...wrong })).status, 400, JSON.stringify(wrong))
})

test('without FCM apps are refused, and what was registered before is told why', async (t) => {
  const { parley, google } = await withFcm(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const { token } = await app(google, bob, { name: 'Phone' })
  await parley.restart({ FCM_SERVICE_ACCOUNT: '' })
  const refused = await bob.ask('POST', '/api/devices', { kind: 'fcm', token, platform: 'android' })
  assert.deepEqual([refused.status, refused.body.code], [415, 'unsupported'])
  assert.equal((await bob.ask('GET', '/api/notifications/push-key')).body.fcm, false)
  assert.deepEqual(await pushes(bob, await ann.say(bob.id, 'one')), [
    ['Phone', 'dropped', 'This server does not push to devices of that kind any more.'],
  ])
  assert.equal(google.asked, 0)
})

test('what is pushed by FCM says no more than the operator lets it', async (t) => {
  const { parley, google } = await withFcm(t, { FCM_CONTENT: 'none' })
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  await app(google, bob)
  await bob.browser()
  await ann.say(bob.id, 'secret')
  const [message] = await google.until(1)
  assert.ok(!/secret|ann/.test(JSON.stringify(message)))
  assert.equal((await parley.push.until(1))[0]?.body.text, 'secret', 'a browser alone can read what is for it')
})

async function withFcm(t: TestContext, env: Record<string, string> = {}) {
  const google = await openFcmService(t)
  const parley = await openParley(t, { FCM_SERVICE_ACCOUNT: google.account, FCM_PROXY: google.proxy, ...env })
  return { parley, google }
}

/** Registers an app for pushes. */
async function app(google: FcmService, person: Person, more: object = {}): Promise<{ id: string; token: string }> {
  const token = google.register()
  const { status, body } = await person.ask('POST', '/api/devices', {
    ...{ kind: 'fcm', token, platform: 'android', ...more },
  })
  assert.equal(status, 201, JSON.stringify(body))
  return { id: body.id, token }
}

/** What became of the pushes to a person's devices, as soon as so many have been settled. */
async function pushes(person: Person, { conversationId, seq }: { conversationId: string; seq: number }, count = 1) {
  for (;;) {
    const { pushes: told = [] } = await person.why(conversationId, seq)
    if (told.length === count && told.every(({ state }) => state !== 'waiting'))
      return told.map(({ device, state, text }) => [device, state, text]).sort()
  }
}
