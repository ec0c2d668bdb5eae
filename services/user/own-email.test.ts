import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Mailing, openMailing, tokenIn } from './mail.fixture.ts'
import { PASSWORD } from './service.fixture.ts'

const ANN = 'ann@example.org'
const NEW = 'Ann.New@example.org'
const ask = ({ as }: Mailing, token: string, email: unknown, password: unknown = PASSWORD) =>
  as(token)('POST', '/api/user/email', { email, password })
const confirm = ({ call }: Mailing, token: unknown) => call('POST', '/api/user/email/confirm', { token })
const emailOf = async ({ as }: Mailing, token: string) => (await as(token)('GET', '/api/user/me')).body.email

test('a new address is one’s own once the link that was mailed there is opened, and the old one is told', async (t) => {
  const service = await openMailing(t)
  const userId = await service.register('ann')
  const { token } = await service.signIn('ann')
  assert.equal((await ask(service, token, NEW)).status, 202)
  assert.equal(await emailOf(service, token), ANN)
  const mail = await service.mailTo(NEW)
  assert.deepEqual([mail.kind, mail.username], ['email.change', 'ann'])
  assert.match(mail.link!, /^https:\/\/chat\.example\.net\/email\/confirm#/)
  assert.equal((await confirm(service, tokenIn(mail))).status, 204)
  const told = { kind: 'email.changed', to: ANN, username: 'ann', userId, confirmed: NEW }
  assert.deepEqual(await service.mailTo(ANN), told)
  assert.equal(await emailOf(service, token), NEW)
  assert.equal((await confirm(service, tokenIn(mail))).status, 204, 'a repeat changes nothing')
  const logIn = async (email: string) =>
    (await service.call('POST', '/api/user/login', { email, password: PASSWORD })).status
  assert.deepEqual([await logIn(NEW.toLowerCase()), await logIn(ANN)], [200, 401])
  await service.register('other')
  assert.deepEqual(service.inbox, [])
})

test('that another has the address is not said when asking; the first to confirm it has it', async (t) => {
  const service = await openMailing(t)
  for (const name of ['ann', 'ben', 'cid']) await service.register(name)
  const [ann, cid] = [await service.signIn('ann'), await service.signIn('cid')]
  const [free, taken] = [
    await ask(service, ann.token, 'free@example.org'),
    await ask(service, cid.token, 'ben@example.org'),
  ]
  assert.deepEqual([free.status, free.body], [taken.status, taken.body])
  const refused = await confirm(service, tokenIn(await service.mailTo('ben@example.org')))
  assert.deepEqual([refused.status, refused.body.code], [409, 'email.taken'])

  assert.equal((await ask(service, cid.token, 'free@example.org')).status, 202)
  const tokens = [tokenIn(await service.mailTo('free@example.org')), tokenIn(await service.mailTo('free@example.org'))]
  const replies = await Promise.all(tokens.map((token) => confirm(service, token)))
  assert.deepEqual(replies.map(({ status }) => status).sort(), [204, 409])
  const owners = [await emailOf(service, ann.token), await emailOf(service, cid.token)]
  assert.equal(owners.filter((email) => email === 'free@example.org').length, 1)
})

test('a link is good for the last address that was asked for, for 30 minutes, and not after the password changed', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const { token } = await service.signIn('ann')
  const linkTo = async (email: string): Promise<string> => {
    assert.equal((await ask(service, token, email)).status, 202)
    return tokenIn(await service.mailTo(email))
  }
  const first = await linkTo('first@example.org')
  const second = await linkTo('second@example.org')
  assert.equal((await confirm(service, first)).status, 404)
  service.clock.now += 30 * 60_000
  assert.equal((await confirm(service, second)).status, 404)
  const { token: again } = await service.signIn('ann')
  assert.equal(
    (await service.as(again)('POST', '/api/user/email', { email: 'third@example.org', password: PASSWORD })).status,
    202,
  )
  const third = tokenIn(await service.mailTo('third@example.org'))
  const change = { oldPassword: PASSWORD, newPassword: 'another secret 9' }
  assert.equal((await service.as(again)('POST', '/api/user/password', change)).status, 204)
  assert.equal((await confirm(service, third)).status, 404)
})

test('a link that sets a password is good no more once the address it was mailed to is not the account’s', async (t) => {
  const service = await openMailing(t)
  await service.register('ann')
  const { token } = await service.signIn('ann')
  await service.call('POST', '/api/user/password/forgot', { email: ANN })
  const old = tokenIn(await service.mailTo(ANN))
  await ask(service, token, NEW)
  assert.equal((await confirm(service, tokenIn(await service.mailTo(NEW)))).status, 204)
  const reset = await service.call('POST', '/api/user/password/reset', { token: old, newPassword: 'stolen secret' })
  assert.equal(reset.status, 404)
})

test('nobody asks without the password, from a foreign page, or for what no mail could reach', async (t) => {
  const service = await openMailing(t, { limits: { mailsPerRecipient: 2, signInFailuresPerAccountAndAddress: 50 } })
  await service.register('ann')
  const { token } = await service.signIn('ann')
  assert.equal((await service.call('POST', '/api/user/email', { email: NEW, password: PASSWORD })).status, 401)
  const wrong = await ask(service, token, NEW, 'not the password')
  assert.deepEqual([wrong.status, wrong.body.errors], [400, [{ pointer: '/password', detail: 'is not your password' }]])
  const foreign = { origin: 'https://evil.example', authorization: `Bearer ${token}` }
  assert.equal((await service.call('POST', '/api/user/email', { email: NEW, password: PASSWORD }, foreign)).status, 403)
  for (const email of [
    'a@example.org\r\nBcc: all@example.org',
    'a@example.org\n',
    'a\u2028@example.org',
    '"a"@b <c@evil.example>',
    'a@b, c@evil.example',
    'a@example.org, b@example.org',
    'a@exa\tmple.org',
    'nobody',
    '',
    { $ne: null },
    null,
  ]) {
    const refused = await ask(service, token, email)
    if (email !== 'a@example.org\n') assert.equal(refused.status, 400, JSON.stringify(email))
  }
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) statuses.push((await ask(service, token, 'victim@example.org')).status)
  assert.deepEqual(statuses, [202, 202, 429])
  for (const { to } of service.inbox) assert.doesNotMatch(to, /[\r\n,]/)
})
