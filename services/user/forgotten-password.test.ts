import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Mailing, openMailing, tokenIn } from './mail.fixture.ts'
import { mailLinks } from './mail-link.ts'
import { PASSWORD, PUBLIC_URL, workOf } from './service.fixture.ts'

const NEW = 'another secret 9'
const MINUTE = 60_000
const ANN = 'ann@example.org'
const forgot = ({ call }: Mailing, email: unknown, headers = {}) =>
  call('POST', '/api/user/password/forgot', { email }, headers)
const reset = ({ call }: Mailing, token: unknown, newPassword: unknown = NEW) =>
  call('POST', '/api/user/password/reset', { token, newPassword })
const logIn = async ({ call }: Mailing, email: string, password: string): Promise<number> =>
  (await call('POST', '/api/user/login', { email, password })).status

/** Asks for a link, and gives its secret. */
async function linkFor(service: Mailing, email: string): Promise<string> {
  assert.equal((await forgot(service, email)).status, 202)
  return tokenIn(await service.mailTo(email))
}

test('who forgot the password sets another by the link in a mail, and is signed out everywhere', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const [one, two] = [await service.signIn('ann'), await service.signIn('ann')]
  const asked = await forgot(service, ' ANN@Example.org ')
  assert.deepEqual([asked.status, asked.body], [202, {}])
  const mail = await service.mailTo(ANN)
  assert.equal(mail.kind, 'password.reset')
  assert.equal(mail.username, 'ann')
  assert.match(mail.link!, /^https:\/\/chat\.example\.net\/password\/reset#[\w-]{87}$/)
  assert.equal((await reset(service, tokenIn(mail))).status, 204)
  const told = await service.mailTo(ANN)
  assert.equal(told.kind, 'password.changed')
  assert.equal((told as { confirmed?: string }).confirmed, ANN, 'who opened the link has shown that mail comes there')
  for (const { token, refreshToken } of [one, two]) {
    assert.equal((await service.as(token)('GET', '/api/user/me')).status, 401)
    assert.equal((await service.refresh(refreshToken)).status, 401)
  }
  const { entries } = await service.user.directory.control(0, 10)
  assert.deepEqual(
    entries.map((e) => e.kind === 'session.revoked' && e.reason),
    ['password', 'password'],
  )
  assert.deepEqual([await logIn(service, ANN, PASSWORD), await logIn(service, ANN, NEW)], [401, 200])
})

test('a link is good once: the same again changes nothing, and nothing else is done with it', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const token = await linkFor(service, ANN)
  const [heard] = await service.heard('security.noted')
  const both = await Promise.all([reset(service, token), reset(service, token)])
  assert.deepEqual(
    both.map(({ status }) => status),
    [204, 204],
  )
  const { data } = await heard!
  assert.deepEqual([data.kind, 'byLink' in data && data.byLink], ['password.changed', true])
  const { token: access } = await service.signIn('ann', { password: NEW })
  assert.equal((await reset(service, token)).status, 204, 'a repeat after a lost reply')
  assert.equal((await service.as(access)('GET', '/api/user/me')).status, 200, 'which ends no session')
  const other = await reset(service, token, 'a third secret')
  assert.deepEqual([other.status, other.body.code], [404, 'not_found'])
  assert.equal(await logIn(service, ANN, NEW), 200)
})

test('of two who use one link at once with different passwords, one does', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const token = await linkFor(service, ANN)
  const wanted = ['first secret', 'second secret']
  const replies = await Promise.all(wanted.map((password) => reset(service, token, password)))
  assert.deepEqual(replies.map(({ status }) => status).sort(), [204, 404])
  assert.equal(await logIn(service, ANN, wanted[replies.findIndex(({ status }) => status === 204)]!), 200)
})

test('a used link is no place to guess at the password', async (t) => {
  const service = await openMailing(t, { limits: { signInFailuresPerAccountAndAddress: 3 } })
  await service.register('ann')
  const token = await linkFor(service, ANN)
  assert.equal((await reset(service, token)).status, 204)
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) statuses.push((await reset(service, token, `guess number ${i}`)).status)
  assert.deepEqual(statuses, [404, 404, 404, 429])
})

test('an older link, one that has ended, and one from before the password or the address changed are good no more', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const older = await linkFor(service, ANN)
  const newer = await linkFor(service, ANN)
  assert.notEqual(older, newer)
  assert.equal((await reset(service, older)).status, 404)
  service.clock.now += 30 * MINUTE
  assert.equal((await reset(service, newer)).status, 404, 'exactly at its end')
  const overtaken = await linkFor(service, ANN)
  const { token } = await service.signIn('ann')
  const change = { oldPassword: PASSWORD, newPassword: 'changed meanwhile' }
  assert.equal((await service.as(token)('POST', '/api/user/password', change)).status, 204)
  assert.equal((await reset(service, overtaken)).status, 404)
  assert.equal(await logIn(service, ANN, 'changed meanwhile'), 200)
})

test('no secret can be made up, moved to another account or another use', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  await service.register('ben')
  const token = await linkFor(service, ANN)
  const ticket = (await service.store.mail.find((await service.store.users.findByName('ann'))!.id, 'password'))!
  const ben = (await service.store.users.findByName('ben'))!.id
  const own = (of: object) => new URL(mailLinks(Buffer.alloc(32, 9), PUBLIC_URL).of({ ...ticket, ...of })).hash.slice(1)
  const bytes = Buffer.from(token, 'base64url')
  const flipped = Array.from({ length: 65 }, (_, i) => {
    const other = Buffer.from(bytes)
    other[i]! ^= 1
    return other.toString('base64url')
  })
  for (const guess of [
    own({}),
    own({ userId: ben }),
    ...flipped,
    '123456',
    'x'.repeat(87),
    `${token}A`,
    token.slice(1),
  ]) {
    const refused = await reset(service, guess)
    assert.ok([404, 429].includes(refused.status), guess)
    if (refused.status === 429) break
  }
  const confirmed = await service.call('POST', '/api/user/email/confirm', { token })
  assert.ok([404, 429].includes(confirmed.status))
  assert.equal(await logIn(service, ANN, PASSWORD), 200)
})

test('an address that nobody has is answered alike, after the same work, and gets no mail', async (t) => {
  const service = await openMailing(t, {
    limits: { mailsPerRecipientAndAddress: 1_000, mailsPerRecipient: 1_000, mailsPerAddress: 1_000 },
  })
  await service.register('ann')
  for (const email of ['nobody@example.org', 'no address', 'a@b', `${'x'.repeat(250)}@b.c`, '\u0000']) {
    const { status, body } = await forgot(service, email)
    assert.deepEqual([status, body], [202, {}], email)
  }
  const [known, unknown] = await workOf(
    () => forgot(service, ANN),
    () => forgot(service, 'nobody@example.org'),
  )
  // Its mail is told after the answer, in the time of this process, too.
  assert.ok(known / unknown > 0.4 && known / unknown < 3, `${known} ms and ${unknown} ms`)
  assert.ok(service.inbox.every(({ to }) => to === ANN))
})

test('mails are asked for only so often, for an address that nobody has as for any other', async (t) => {
  const service = await openMailing(t, {
    trustProxies: 1,
    limits: { mailsPerRecipientAndAddress: 2, mailsPerRecipient: 4, mailsPerAddress: 7 },
  })
  await service.register('ann')
  const from = (n: number) => ({ 'x-forwarded-for': `203.0.113.${n}` })
  for (const email of [ANN, 'nobody@example.org']) {
    const statuses: number[] = []
    for (const n of [1, 1, 1, 2, 2, 3]) statuses.push((await forgot(service, email, from(n))).status)
    assert.deepEqual(statuses, [202, 202, 429, 202, 202, 429], email)
  }
  const many: number[] = []
  for (let i = 0; i < 8; i++) many.push((await forgot(service, `u${i}@example.org`, from(9))).status)
  assert.deepEqual(many, [...Array(7).fill(202), 429])
  const refused = await forgot(service, ANN, from(1))
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
})

test('links begin with the configured address, whatever host was asked for', async (t) => {
  const service = await openMailing(t, { trustProxies: 1 })
  await service.register('ann')
  await forgot(service, ANN, {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    forwarded: 'host=evil.example',
  })
  const { request } = await import('node:http')
  const at = new URL(service.url)
  const body = JSON.stringify({ email: ANN })
  const status = await new Promise((resolve) =>
    request(
      {
        host: at.hostname,
        port: at.port,
        method: 'POST',
        path: '/api/user/password/forgot',
        headers: { host: 'evil.example', 'content-type': 'application/json' },
      },
      (res) => resolve(res.statusCode),
    ).end(body),
  )
  assert.equal(status, 202)
  for (let i = 0; i < 2; i++) assert.ok((await service.mailTo(ANN)).link!.startsWith(`${PUBLIC_URL}/`))
})

test('neither a link nor a hash of it is in the store', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const token = await linkFor(service, ANN)
  const db = readFileSync(service.storePath)
  const wal = readFileSync(`${service.storePath}-wal`)
  for (const file of [db, wal]) {
    assert.equal(file.includes(token), false)
    assert.equal(file.includes(token.slice(44)), false, 'the part that is secret')
  }
})

test('malformed input and foreign pages are refused', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  for (const value of [undefined, null, 7, '', { $ne: null }, ['x'], 'x'.repeat(600)]) {
    assert.equal((await forgot(service, value)).status, 400)
    assert.equal((await reset(service, value)).status, 400)
  }
  const token = await linkFor(service, ANN)
  for (const newPassword of [undefined, null, 'short', 'x'.repeat(5_000), '\ud800'])
    assert.equal((await service.call('POST', '/api/user/password/reset', { token, newPassword })).status, 400)
  assert.equal((await forgot(service, ANN, { origin: 'https://evil.example' })).status, 403)
  assert.equal((await reset(service, token)).status, 204, 'a refusal of the password uses no link up')
})

test('who changes the password knowing the old one is told by mail', async (t) => {
  const service = await openMailing(t)
  const userId = await service.register('ann')
  const { token } = await service.signIn('ann')
  const change = { oldPassword: PASSWORD, newPassword: NEW }
  assert.equal(
    (await service.as(token)('POST', '/api/user/password', { ...change, oldPassword: 'wrong one' })).status,
    400,
  )
  assert.equal((await service.as(token)('POST', '/api/user/password', change)).status, 204)
  assert.deepEqual(await service.mailTo(ANN), { kind: 'password.changed', to: ANN, username: 'ann', userId })
  assert.deepEqual(service.inbox, [])
})
