import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reader } from '@parley/kit/config'
import { isAddress, notificationConfig, readNotificationService } from './config.ts'

const ALONE = {
  PARLEY_KEY_FILE: '/keys.json',
  MONGODB_URL: 'mongodb://127.0.0.1/notification',
  RABBITMQ_URL: 'amqp://127.0.0.1',
  PARLEY_ORIGINS: 'https://chat.example.org,https://other.example.org',
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

test('everything that is wrong is said at once, and no password with it', () => {
  const wrong = { SMTP_URL: 'http://user:secret@x', MAIL_FROM: 'a@b.c, d@e.f', PARLEY_PUBLIC_URL: 'nonsense' }
  try {
    readNotificationService(wrong)
    assert.fail('it starts')
  } catch (error) {
    const said = (error as Error).message
    for (const name of ['PARLEY_KEY_FILE', 'MONGODB_URL', 'RABBITMQ_URL', 'SMTP_URL', 'MAIL_FROM', 'PARLEY_PUBLIC_URL'])
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
