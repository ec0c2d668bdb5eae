import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { reader } from '@parley/kit/config'
import { isAddress, notificationConfig, pageSources, readNotificationService } from './config.ts'
import { vapidOf } from './vapid.ts'

const ALONE = {
  PARLEY_KEY_FILE: '/keys.json',
  MONGODB_URL: 'mongodb://127.0.0.1/notification',
  RABBITMQ_URL: 'amqp://127.0.0.1',
  PARLEY_ORIGINS: 'https://chat.example.org,https://other.example.org',
  USER_SERVICE_URL: 'http://127.0.0.1:9464',
  CHAT_SERVICE_URLS: 'http://127.0.0.1:9465, http://127.0.0.1:9466',
}
const SMTP = { SMTP_URL: 'smtps://user:secret@mail.example.org', MAIL_FROM: 'Parley <parley@example.org>' }

test('in one process nothing need be set: mail is captured, and what was told is a file in the data folder', () => {
  const read = reader({})
  const config = notificationConfig(read)
  read.throwIfInvalid()
  assert.deepEqual(config, {
    store: { sqlitePath: 'data/notification.db' },
    keyFile: 'data/keys.json',
    publicUrl: undefined,
    mail: 'captured',
    push: { content: 'full', graceMs: 5_000, hosts: [], vapid: undefined, fcm: undefined },
    digest: { content: 'full', afterMs: 15 * 60_000, everyMs: 6 * 3_600_000 },
    audit: { keptMs: 180 * 86_400_000 },
  })
})

test('with a mail server mail is sent, in both forms', () => {
  const mail = { smtpUrl: SMTP.SMTP_URL, from: { name: 'Parley', address: 'parley@example.org' } }
  assert.deepEqual(notificationConfig(reader(SMTP)).mail, mail)
  const { mail: alone, publicUrl, port, internalPort } = readNotificationService({ ...ALONE, ...SMTP })
  assert.deepEqual([alone, publicUrl, port, internalPort], [mail, 'https://chat.example.org', 3003, 9464])
  for (const [text, from] of [
    ['parley@example.org', { name: '', address: 'parley@example.org' }],
    ['"Parley, the chat" <p@example.org>', { name: 'Parley, the chat', address: 'p@example.org' }],
  ] as const) {
    const { mail } = notificationConfig(reader({ ...SMTP, MAIL_FROM: text }))
    assert.deepEqual(mail !== 'captured' && mail.from, from)
  }
})

test('by itself it does not start without a mail server, unless mail is to be captured', () => {
  assert.throws(() => readNotificationService(ALONE), /SMTP_URL is missing/)
  assert.equal(readNotificationService({ ...ALONE, MAIL_CAPTURE: '1' }).mail, 'captured')
  assert.throws(() => readNotificationService({ ...ALONE, ...SMTP, MAIL_CAPTURE: '1' }), /keep one/)
  assert.throws(() => readNotificationService({ ...ALONE, MAIL_CAPTURE: 'yes' }), /MAIL_CAPTURE must be 1/)
})

test('what a push says, how long it waits and who signs it can be set', () => {
  const pair = vapidOf(Buffer.alloc(32, 7))
  const set = {
    ...{ PUSH_CONTENT: 'sender', PUSH_GRACE_MS: '0', PUSH_HOSTS: 'push.example.org, *.example.net,' },
    ...{ VAPID_PUBLIC_KEY: pair.publicKey, VAPID_PRIVATE_KEY: pair.privateKey },
  }
  assert.deepEqual(notificationConfig(reader(set)).push, {
    ...{ content: 'sender', graceMs: 0, hosts: ['push.example.org', '*.example.net'], vapid: pair },
    fcm: undefined,
  })
  const other = vapidOf(Buffer.alloc(32, 8))
  for (const [wrong, said] of [
    [{ PUSH_CONTENT: 'all' }, /PUSH_CONTENT must be one of full, sender, none/],
    [{ PUSH_GRACE_MS: '-1' }, /PUSH_GRACE_MS/],
    [{ VAPID_PUBLIC_KEY: pair.publicKey }, /go together/],
    [{ VAPID_PUBLIC_KEY: other.publicKey, VAPID_PRIVATE_KEY: pair.privateKey }, /must be a pair/],
    [{ VAPID_PUBLIC_KEY: 'x', VAPID_PRIVATE_KEY: 'y' }, /must be a pair/],
  ] as const)
    assert.throws(() => {
      const read = reader(wrong)
      notificationConfig(read)
      read.throwIfInvalid()
    }, said)
})

test('how long it is kept what happened to accounts can be set, to some days and not for ever', () => {
  const of = (days: string) => {
    const read = reader({ AUDIT_KEPT_DAYS: days })
    const { audit } = notificationConfig(read)
    read.throwIfInvalid()
    return audit.keptMs / 86_400_000
  }
  assert.deepEqual([of('1'), of('30'), of('3650')], [1, 30, 3_650])
  for (const wrong of ['0', '-1', '1.5', '3651', 'for ever']) assert.throws(() => of(wrong), /AUDIT_KEPT_DAYS/, wrong)
})

test('FCM is there with a service account, given as such or as a file, and what is wrong with it is said without it', (t) => {
  const key = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const account = {
    ...{ type: 'service_account', project_id: 'parley-demo', client_email: 'push@example.org' },
    private_key: key.export({ type: 'pkcs8', format: 'pem' }),
  }
  const json = JSON.stringify(account)
  const folder = mkdtempSync(join(tmpdir(), 'parley-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'account.json')
  writeFileSync(file, json)
  const of = (env: Record<string, string>) => {
    const read = reader(env)
    const { push } = notificationConfig(read)
    read.throwIfInvalid()
    return push.fcm
  }
  for (const [name, value] of [
    ['FCM_SERVICE_ACCOUNT', json],
    ['FCM_SERVICE_ACCOUNT', file],
    ['FCM_SERVICE_ACCOUNT_FILE', file],
  ] as const) {
    const fcm = of({ [name]: value, PUSH_CONTENT: 'sender' })
    assert.deepEqual([fcm?.account.projectId, fcm?.content, fcm?.proxy], ['parley-demo', 'sender', undefined])
  }
  const more = { FCM_CONTENT: 'none', FCM_PROXY: 'http://127.0.0.1:3128' }
  const { content, proxy } = of({ FCM_SERVICE_ACCOUNT: json, ...more })!
  assert.deepEqual([content, proxy], ['none', more.FCM_PROXY])
  for (const [set, said] of [
    [{ FCM_SERVICE_ACCOUNT: '/nowhere/secret.json' }, /FCM_SERVICE_ACCOUNT.*no file can be read.*ENOENT/],
    [{ FCM_SERVICE_ACCOUNT: JSON.stringify({ ...account, private_key: 'secret' }) }, /private_key is no RSA key/],
    [{ FCM_SERVICE_ACCOUNT: `{${json}` }, /FCM_SERVICE_ACCOUNT.*it is not JSON/],
    [{ FCM_SERVICE_ACCOUNT: json, FCM_CONTENT: 'all' }, /FCM_CONTENT must be one of full, sender, none/],
    [{ FCM_SERVICE_ACCOUNT: json, FCM_PROXY: 'proxy:3128' }, /FCM_PROXY must be a URL/],
  ] as const)
    assert.throws(
      () => of(set),
      (error: Error) => said.test(error.message) && !/secret|BEGIN/.test(error.message),
    )
})

test('browsers register by FCM where the operator has a web app there, of the same project', () => {
  const key = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const account = {
    ...{ type: 'service_account', project_id: 'parley-demo', client_email: 'push@example.org' },
    private_key: key.export({ type: 'pkcs8', format: 'pem' }),
  }
  const FCM_SERVICE_ACCOUNT = JSON.stringify(account)
  const web = {
    ...{
      apiKey: 'AIzaSyD-0123456789_abcdefghijklmnopqrstu',
      projectId: 'parley-demo',
      messagingSenderId: '123456789012',
    },
    ...{ appId: '1:123456789012:web:0123456789abcdef', vapidKey: vapidOf(Buffer.alloc(32, 7)).publicKey },
  }
  const of = (env: Record<string, string>) => {
    const read = reader(env)
    const config = notificationConfig(read)
    read.throwIfInvalid()
    return { web: config.push.fcm?.web, sources: pageSources(config) }
  }
  assert.deepEqual(of({ FCM_SERVICE_ACCOUNT }), { web: undefined, sources: [] })
  const json = JSON.stringify({ ...web, authDomain: 'parley-demo.firebaseapp.com' })
  assert.deepEqual(of({ FCM_SERVICE_ACCOUNT, FCM_WEB_CONFIG: json }), {
    web,
    sources: ['https://firebaseinstallations.googleapis.com', 'https://fcmregistrations.googleapis.com'],
  })
  const wrong = (some: object) => ({ FCM_SERVICE_ACCOUNT, FCM_WEB_CONFIG: JSON.stringify({ ...web, ...some }) })
  for (const [set, said] of [
    [{ FCM_WEB_CONFIG: json }, /FCM_WEB_CONFIG needs FCM_SERVICE_ACCOUNT too/],
    [{ FCM_SERVICE_ACCOUNT, FCM_WEB_CONFIG: 'apiKey: x' }, /FCM_WEB_CONFIG.*it is not JSON/],
    [wrong({ projectId: 'other' }), /FCM_WEB_CONFIG is of the project other, FCM_SERVICE_ACCOUNT of parley-demo/],
    [wrong({ vapidKey: undefined }), /FCM_WEB_CONFIG.*it has no vapidKey/],
    [wrong({ vapidKey: 'A'.repeat(87) }), /its vapidKey is no public key on P-256/],
    [wrong({ appId: '1:123456789012:android:0123456789abcdef' }), /its appId is none of Firebase/],
    [wrong({ apiKey: 7 }), /it has no apiKey/],
    [wrong({ messagingSenderId: "1'; connect-src *" }), /its messagingSenderId is none of Firebase/],
  ] as const)
    assert.throws(() => of(set), said)
})

test('by itself it asks its siblings at their internal addresses', () => {
  const { userServiceUrl, chatServiceUrls } = readNotificationService({ ...ALONE, ...SMTP })
  assert.deepEqual(
    [userServiceUrl, chatServiceUrls],
    ['http://127.0.0.1:9464', ['http://127.0.0.1:9465', 'http://127.0.0.1:9466']],
  )
  assert.throws(
    () => readNotificationService({ ...ALONE, ...SMTP, CHAT_SERVICE_URLS: 'chat:9464' }),
    /CHAT_SERVICE_URLS/,
  )
})

test('everything that is wrong is said at once, and no password with it', () => {
  const wrong = { SMTP_URL: 'http://user:secret@x', MAIL_FROM: 'a@b.c, d@e.f', PARLEY_PUBLIC_URL: 'nonsense' }
  try {
    readNotificationService(wrong)
    assert.fail('it starts')
  } catch (error) {
    const said = (error as Error).message
    for (const name of [
      'PARLEY_KEY_FILE',
      'MONGODB_URL',
      'RABBITMQ_URL',
      'SMTP_URL',
      'MAIL_FROM',
      'PARLEY_PUBLIC_URL',
      'USER_SERVICE_URL',
      'CHAT_SERVICE_URLS',
    ])
      assert.match(said, new RegExp(name))
    assert.doesNotMatch(said, /secret/)
  }
  assert.throws(() => readNotificationService({ ...ALONE, SMTP_URL: SMTP.SMTP_URL }), /MAIL_FROM is missing/)
})

test('what could be read as more than one address is none', () => {
  for (const good of ['a@b', "o'neil+x@example.org", 'größe@bücher.example']) assert.ok(isAddress(good), good)
  for (const bad of [
    '',
    'a',
    '@b',
    'a@',
    'a@b@c',
    'a@b,c@d',
    'a@b;c@d',
    'a@b c@d',
    '"a"@b <c@evil>',
    'a@b\r\nBcc: c@d',
    'a@b\n',
    'group:a@b;',
    `${'('.repeat(1_000)}a@b`,
    `${'a'.repeat(400)}@b`,
  ])
    assert.equal(isAddress(bad), false, bad)
})
