import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type FcmBehaviour, openFcmService } from '@parley/infra/fcm-service'
import { openLog } from '@parley/kit/log'
import fc from 'fast-check'
import { bodyOf, type Content } from '../push-body.ts'
import type { PushNote } from '../push-note.ts'
import type { Push } from '../push-service.ts'
import type { FcmAddress } from '../store/devices.ts'
import { serviceAccountOf } from './account.ts'
import { openFcm } from './fcm.ts'
import { BODY_BYTES, messageOf } from './message.ts'

const CONVERSATION = '0197f0a0-0000-7000-8000-000000000001'
const NOTE: PushNote = {
  ...{ deviceId: 'd', conversationId: CONVERSATION, kind: 'group', title: 'Tea' },
  ...{ seq: 5, sender: 'Ann', text: 'hello', because: 'message', count: 2 },
}
const push = (content: Content = 'full', more: Partial<PushNote> = {}): Push => ({
  ...{ topic: 'T'.repeat(32), urgency: 'high', ttlS: 600 },
  body: bodyOf({ ...NOTE, ...more }, content, BODY_BYTES),
})

test('FCM is given a message once, with access that is asked for once', async (t) => {
  const { google, fcm, phone, send } = await open(t)
  const [first, second] = await Promise.all([send(), send()])
  assert.deepEqual([first?.kind, second?.kind], ['taken', 'taken'])
  assert.match(first?.kind === 'taken' ? (first.providerId ?? '') : '', /^projects\/parley-demo\/messages\//)
  assert.equal(google.accesses, 1)
  assert.equal(google.messages.length, 2)
  assert.equal(google.messages[0]?.token, phone.token)
  assert.equal(fcm.state(), 'up')
})

test('what FCM says is understood, and it is never asked twice for one push', async (t) => {
  const { google, send } = await open(t)
  const said: [FcmBehaviour, object][] = [
    [
      { status: 404, code: 'UNREGISTERED' },
      { kind: 'gone', detail: '404 UNREGISTERED' },
    ],
    [
      { status: 403, code: 'SENDER_ID_MISMATCH' },
      { kind: 'gone', detail: '403 SENDER_ID_MISMATCH' },
    ],
    [
      { status: 400, code: 'INVALID_ARGUMENT', field: 'message.token' },
      { kind: 'gone', detail: '400 INVALID_ARGUMENT' },
    ],
    [
      { status: 400, code: 'INVALID_ARGUMENT', field: 'message.android.ttl' },
      { kind: 'refused', detail: '400 INVALID_ARGUMENT', suspect: true },
    ],
    // Nothing that the operator has set up wrongly costs people their devices.
    [{ status: 404 }, { kind: 'refused', detail: '404 UNKNOWN' }],
    [
      { status: 403, code: 'PERMISSION_DENIED' },
      { kind: 'later', detail: '403 PERMISSION_DENIED' },
    ],
    [
      { status: 401, code: 'THIRD_PARTY_AUTH_ERROR' },
      { kind: 'later', detail: '401 THIRD_PARTY_AUTH_ERROR' },
    ],
    [
      { status: 429, code: 'QUOTA_EXCEEDED', headers: { 'retry-after': '7' } },
      { kind: 'later', detail: '429 QUOTA_EXCEEDED', afterMs: 7_000 },
    ],
    [
      { status: 429, code: 'QUOTA_EXCEEDED' },
      { kind: 'later', detail: '429 QUOTA_EXCEEDED', afterMs: 60_000 },
    ],
    [
      { status: 500, code: 'INTERNAL' },
      { kind: 'later', detail: '500 INTERNAL' },
    ],
    // Here the client itself would wait, and try again.
    [
      { status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '30' } },
      { kind: 'later', detail: '503 UNAVAILABLE', afterMs: 30_000 },
    ],
    [
      { status: 503, code: 'UNAVAILABLE' },
      { kind: 'later', detail: '503 UNAVAILABLE' },
    ],
    // What stands in between is not FCM.
    [
      { status: 502, page: '<h1>Bad Gateway</h1>' },
      { kind: 'later', detail: '502' },
    ],
    [
      { status: 400, page: 'nonsense' },
      { kind: 'later', detail: '400' },
    ],
    [
      { status: 200, page: '<h1>Sign in to this network</h1>' },
      { kind: 'later', detail: '200' },
    ],
    ['cut', { kind: 'later', detail: 'ECONNRESET' }],
  ]
  for (const [n, [answer, outcome]] of said.entries()) {
    google.answers = [answer]
    assert.deepEqual(await send(), outcome, JSON.stringify(answer))
    assert.equal(google.asked, n + 1, JSON.stringify(answer))
  }
  google.answers = [{ slowMs: 20 }]
  assert.equal((await send())?.kind, 'taken')
})

test('nothing leaves once the time is over, and no answer is waited for', async (t) => {
  const { google, send } = await open(t)
  google.answers = ['hang']
  const stop = new AbortController()
  const hanging = send(stop.signal)
  await google.until(1)
  stop.abort()
  assert.deepEqual(await hanging, { kind: 'later', detail: 'no answer in time' })
  assert.deepEqual(await send(stop.signal), { kind: 'later', detail: 'no answer in time' })
  assert.equal((await send())?.kind, 'taken')
  assert.equal(google.asked, 2, 'the one that came too late never left')
})

test('access that has ended is asked for again, and what is wrong with it is said', async (t) => {
  const { google, fcm, send } = await open(t)
  await send()
  google.endAccess()
  assert.deepEqual(await send(), { kind: 'later', detail: '401 UNAUTHENTICATED' })
  assert.equal((await send())?.kind, 'taken')
  assert.equal(google.accesses, 2)
  google.endAccess()
  google.refusesAccess = 'invalid_grant'
  await send()
  assert.deepEqual(await send(), { kind: 'later', detail: 'access refused: 400 invalid_grant' })
  assert.equal(fcm.state(), 'degraded')
  google.refusesAccess = undefined
  assert.equal((await send())?.kind, 'taken')
  assert.equal(fcm.state(), 'up')

  const none = await openFcm(
    { account: serviceAccountOf(google.account), content: 'full', proxy: 'http://127.0.0.1:1' },
    openLog('test', 'silent'),
  )
  const nobody: FcmAddress = { kind: 'fcm', token: google.register(), platform: 'web', form: 'data' }
  assert.deepEqual(await none.send(nobody, push(), AbortSignal.timeout(5_000)), {
    ...{ kind: 'later', detail: 'no access: ECONNREFUSED' },
  })
  await none[Symbol.asyncDispose]()

  const other = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const account = { ...serviceAccountOf(google.account), privateKey: other }
  await using stranger = await openFcm({ account, content: 'full', proxy: google.proxy }, openLog('test', 'silent'))
  const phone: FcmAddress = { kind: 'fcm', token: google.register(), platform: 'ios', form: 'data' }
  assert.deepEqual(await stranger.send(phone, push(), AbortSignal.timeout(5_000)), {
    ...{ kind: 'later', detail: 'access refused: 400 invalid_grant' },
  })
})

test('each system is given its own form, and all of it that names the conversation stays the same', () => {
  const address = (platform: FcmAddress['platform'], form: FcmAddress['form'] = 'notification'): FcmAddress => ({
    ...{ kind: 'fcm', token: 'token', platform, form },
  })
  const [topic, tag, at] = ['T'.repeat(32), CONVERSATION, 1_000_000]
  const words = { title: 'Tea', body: 'Ann: hello' }
  const named = { v: '1', tag, conversationId: tag, seq: '5', count: '2', kind: 'group', title: 'Tea' }
  const data = { ...named, sender: 'Ann', because: 'message' }
  assert.deepEqual(messageOf(address('android'), push(), at), {
    ...{ token: 'token', data },
    android: { priority: 'high', ttl: 600_000, collapseKey: topic, notification: { ...words, tag } },
  })
  assert.deepEqual(messageOf(address('android', 'data'), { ...push(), urgency: 'normal' }, at), {
    ...{ token: 'token', data: { ...data, text: 'hello' }, android: { priority: 'normal', ttl: 600_000 } },
  })
  const apns = { 'apns-collapse-id': topic, 'apns-expiration': '1600' }
  assert.deepEqual(messageOf(address('ios'), push(), at), {
    ...{ token: 'token', data },
    apns: {
      headers: { ...apns, 'apns-push-type': 'alert', 'apns-priority': '10' },
      payload: { aps: { alert: words, sound: 'default', threadId: tag, mutableContent: true } },
    },
  })
  assert.deepEqual(messageOf(address('ios', 'data'), push(), at).apns, {
    headers: { ...apns, 'apns-push-type': 'background', 'apns-priority': '5' },
    payload: { aps: { contentAvailable: true } },
  })
  assert.deepEqual(messageOf(address('web', 'data'), push(), at), {
    ...{ token: 'token', data: { ...data, text: 'hello' } },
    webpush: { headers: { TTL: '600', Urgency: 'high', Topic: topic } },
  })
  assert.deepEqual(messageOf(address('web'), push(), at).webpush?.notification, { ...words, tag, renotify: true })
  const shown = (content: Content, more?: Partial<PushNote>) =>
    messageOf(address('android'), push(content, more), at).android?.notification
  assert.deepEqual(shown('none'), { title: 'Parley', body: '2 new messages', tag })
  assert.deepEqual(shown('sender'), { title: 'Tea', body: 'Ann: 2 new messages', tag })
  assert.deepEqual(shown('sender', { kind: 'direct', count: 1 }), { title: 'Ann', body: 'New message', tag })
  assert.deepEqual(shown('sender', { because: 'mention' }), { title: 'Tea', body: 'Ann: mentioned you', tag })
  const test = { ...push(), body: { v: 1, tag: 'test', test: 'x' } as const }
  assert.deepEqual(messageOf(address('android'), test, at).data, { v: '1', tag: 'test', test: 'x' })
})

test('whatever is said, in whatever form, a message fits what FCM and APNs take', () => {
  const text = fc.array(fc.constantFrom('👩‍👩‍👧‍👦', '"', '\\', '\u0001', '界', 'a'), { maxLength: 3_000 })
  const name = fc.constantFrom('a', '界'.repeat(64), '"'.repeat(64))
  fc.assert(
    fc.property(
      fc.record({ text: text.map((some) => some.join('')), sender: name, title: name }),
      fc.constantFrom('android', 'ios', 'web'),
      fc.constantFrom('notification', 'data'),
      (more, platform, form) => {
        const message = messageOf({ kind: 'fcm', token: '', platform, form }, push('full', more), 0)
        const bytes = Buffer.byteLength(JSON.stringify({ ...message, token: undefined }))
        assert.ok(bytes <= 3_800, `${bytes}`)
      },
    ),
    { numRuns: 200 },
  )
})

test('a service account is read, or it is said what is wrong with it and nothing of what it holds', () => {
  const pem = (type: 'rsa' | 'ec') =>
    (type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    ).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const good = {
    ...{ type: 'service_account', project_id: 'parley-demo', client_email: 'push@example.org' },
    private_key: pem('rsa'),
  }
  const { projectId, tokenUri, privateKey } = serviceAccountOf(JSON.stringify(good))
  assert.deepEqual([projectId, tokenUri], ['parley-demo', 'https://oauth2.googleapis.com/token'])
  assert.ok(!JSON.stringify({ privateKey }).includes('PRIVATE'), 'it shows nothing of itself')
  for (const [change, said] of [
    [{ type: 'authorized_user' }, /no such type/],
    [{ project_id: undefined }, /it has no project_id/],
    [{ project_id: '../other' }, /project_id/],
    [{ client_email: 'nobody' }, /client_email/],
    [{ private_key: 'secret' }, /private_key is no RSA key/],
    [{ private_key: pem('ec') }, /private_key is no RSA key/],
    [{ token_uri: 'http://oauth2.googleapis.com/token' }, /token_uri must begin with https/],
  ] as const)
    assert.throws(
      () => serviceAccountOf(JSON.stringify({ ...good, ...change })),
      (error: Error) => said.test(error.message) && !/secret|BEGIN/.test(error.message),
      JSON.stringify(change),
    )
  for (const text of ['secret', '"secret"', '[]', '{"type":"service_account",secret'])
    assert.throws(() => serviceAccountOf(text), /^Error: it is not JSON$|it is not JSON/)
})

async function open(t: TestContext) {
  const google = await openFcmService(t)
  const config = { account: serviceAccountOf(google.account), content: 'full' as const, proxy: google.proxy }
  const fcm = await openFcm(config, openLog('test', 'silent'))
  t.after(() => fcm[Symbol.asyncDispose]())
  const phone: FcmAddress = { kind: 'fcm', token: google.register(), platform: 'android', form: 'notification' }
  const send = (signal = AbortSignal.timeout(5_000)) => fcm.send(phone, push(), signal)
  return { google, fcm, phone, send }
}
