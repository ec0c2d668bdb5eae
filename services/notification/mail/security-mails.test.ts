import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type Behaviour, mailServer } from '@parley/infra/mail-server'
import { FROM, notice, openService, reset, USER } from '../service.fixture.ts'
import { openParley } from '../telling.fixture.ts'

const PASSWORD = 'correct horse battery'

test('a device that logs in is mailed with its name, network and time, the first one after the registration not', async (t) => {
  const server = await mailServer(t)
  const parley = await openParley(t, { SMTP_URL: server.url, MAIL_FROM: 'Parley <parley@example.net>' })
  const ann = await parley.person('ann')
  const account = { email: 'ann@example.org', password: PASSWORD, tokens: 'body' }
  await ann.ask('POST', '/api/user/login', { ...account, device: 'Phone <b>x</b>' })
  const [mail] = await server.mails(1)
  const { parsed, to, raw } = mail!
  assert.deepEqual([to, parsed.subject], [['ann@example.org'], 'A new device has logged in'])
  assert.match(parsed.text!, /Device: Phone <b>x<\/b>\n(Network: .+\n)?Time: \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)\n/)
  assert.doesNotMatch(String(parsed.html), /<b>|Phone <|127\.0\.0\.1/)
  assert.doesNotMatch(raw, /List-Unsubscribe/i)
})

test('a session that is ended for an old token is mailed, in the language of its owner, also where digests are off', async (t) => {
  const server = await mailServer(t)
  const parley = await openParley(t, { SMTP_URL: server.url, MAIL_FROM: 'Parley <parley@example.net>' })
  const ann = await parley.person('ann')
  await ann.ask('PATCH', '/api/notifications/preferences', { locale: 'de', digest: false })
  const account = { email: 'ann@example.org', password: PASSWORD, tokens: 'body', device: 'Phone' }
  const { body: phone } = await ann.ask('POST', '/api/user/login', account)
  const renew = async (refreshToken: string) => (await ann.ask('POST', '/api/user/refresh', { refreshToken })).body
  await renew((await renew(phone.refreshToken)).refreshToken)
  await renew(phone.refreshToken)
  const subjects = (await server.mails(2)).map(({ parsed }) => parsed.subject)
  assert.deepEqual(subjects.sort(), [
    'Ein neues Gerät hat sich angemeldet',
    'Eine Sitzung wurde zu deiner Sicherheit beendet',
  ])
  assert.match(server.received[1]!.parsed.text!, /Gerät: Phone/)
})

test('however often it is told, it is mailed once; what is told long after is not', async (t) => {
  const { bus, clock, captured, store } = await openService(t)
  const told = (id: string, at: number) =>
    bus.publish({
      ...{ id, type: 'security.noted', version: 1, occurredAt: new Date(at).toISOString(), key: id, rev: 1 },
      data: {
        ...{ kind: 'session.started', userId: USER, sessionId: randomUUID(), device: '', username: 'ann' },
        ...{ email: 'ann@example.org', at: new Date(at).toISOString() },
      },
    })
  const id = randomUUID()
  for (let i = 0; i < 3; i++) await told(id, clock.now)
  await told(randomUUID(), clock.now - 15 * 86_400_000)
  const last = randomUUID()
  await told(last, clock.now)
  while ((await captured!.list()).every((one) => one.id !== `security-${last}`))
    await new Promise((resolve) => setTimeout(resolve, 10))
  const ids = (await store.deliveries.ofUser(USER, 10)).map((one) => one.id)
  assert.deepEqual(ids.sort(), [`mail/security-${id}`, `mail/security-${last}`].sort())
  const [letter] = await captured!.list()
  assert.match(letter!.text!, /Device: without a name/)
})

test('what is told late of who was deleted is neither mailed nor kept, and what waits to be mailed is dropped', async (t) => {
  const behaviour: Behaviour = { letter: () => '451 4.3.0 later' }
  const server = await mailServer(t, behaviour)
  const pace = { retryMs: { first: 60_000, most: 60_000 } }
  const service = await openService(t, { mail: { smtpUrl: server.url, from: FROM }, pace })
  const { bus, clock, deleted, outcome, store } = service
  const waiting = await service.ask(notice())
  assert.equal((await outcome(waiting, 1)).kind, 'retry')
  behaviour.letter = () => undefined
  const tries = server.received.length
  deleted.add(USER)
  clock.now += 60_000
  assert.deepEqual(await outcome(waiting), { kind: 'dropped', reason: 'account.deleted' })
  await store.deliveries.forget(USER, clock.now)
  await bus.publish({
    ...{ id: randomUUID(), type: 'security.noted', version: 1, occurredAt: new Date(clock.now).toISOString() },
    ...{ key: USER, rev: 1 },
    data: {
      ...{ kind: 'session.started', userId: USER, sessionId: randomUUID(), device: '', username: 'ann' },
      ...{ email: 'ann@example.org', at: new Date(clock.now).toISOString() },
    },
  })
  await service.ask(reset(clock))
  assert.deepEqual(await store.deliveries.ofUser(USER, 10), [])
  assert.equal(await store.deliveries.open('mail', 10), 0)
  assert.equal(server.received.length, tries)
})
