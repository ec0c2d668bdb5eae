import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type Behaviour, type MailServer, mailServer } from '@parley/infra/mail-server'
import { FROM, notice, ORIGIN, openService, reset, type Service, USER } from './service.fixture.ts'

const DAY = 86_400_000
/** The tests do not wait: what fails is due again at once. A busy machine is not taken for a server that hangs. */
const QUICK = { retryMs: { first: 20, most: 40 }, connectMs: 5_000, answerMs: 10_000, sendMs: 15_000, leaseMs: 20_000 }
const HASTY = { ...QUICK, connectMs: 500, answerMs: 1_000 }

async function open(t: TestContext, behaviour: Behaviour = {}, pace: Parameters<typeof openService>[1] = {}) {
  const server = await mailServer(t, behaviour)
  const service = await openService(t, { mail: { smtpUrl: server.url, from: FROM }, pace: QUICK, ...pace })
  // The clock of the ledger goes on as the real one does, so that what is due again comes due.
  const timer = setInterval(() => (service.clock.now += 10), 10)
  t.after(() => clearInterval(timer))
  return { server, service }
}

/** What came of it, and how often its letter arrived. */
async function sent({ service, server }: { service: Service; server: MailServer }, id: string) {
  const { kind } = await service.outcome(id)
  const copies = server.received.filter(({ messageId }) => messageId.startsWith(`<${id}@`)).length
  return [kind, copies]
}

test('a letter arrives as one mail with its link, in both forms, from us and to one', async (t) => {
  const { server, service } = await open(t)
  const at = '2030-01-01T12:00:00.000Z'
  const id = await service.ask(reset(service.clock), undefined, at)
  assert.deepEqual((await service.outcome(id)).kind, 'sent')
  const [{ from, to, parsed, raw }] = (await server.mails(1)) as [(typeof server.received)[0]]
  assert.deepEqual([from, to], [FROM.address, ['ann@example.org']])
  assert.equal(parsed.messageId, `<${id}@chat.example.net>`)
  assert.equal(parsed.subject, 'Set a new password')
  assert.equal(parsed.date?.toISOString(), at)
  assert.deepEqual(parsed.from?.value, [FROM])
  assert.equal(parsed.headers.get('auto-submitted'), 'auto-generated')
  const link = `${ORIGIN}/password/reset#secret-of-ann`
  assert.ok(parsed.text?.includes(`Set a new password: ${link}`))
  assert.match(parsed.text ?? '', /^Hello ann,/)
  assert.ok(typeof parsed.html === 'string' && parsed.html.includes(`href="${link}"`))
  assert.doesNotMatch(raw, /^(Bcc|Cc):/im)
  assert.equal(parsed.attachments.length, 0)
})

test('however often it comes, and to however many processes, a letter is sent once', async (t) => {
  const { server, service } = await open(t)
  const other = await openService(t, { mail: { smtpUrl: server.url, from: FROM }, pace: QUICK, beside: service })
  const ids = Array.from({ length: 25 }, () => randomUUID())
  await Promise.all(
    ids.flatMap((id) => [service.ask(notice(), id), other.ask(notice(), id), service.ask(notice(), id)]),
  )
  const all = await Promise.all(ids.map((id) => Promise.any([service.outcome(id), other.outcome(id)])))
  assert.ok(all.every(({ kind }) => kind === 'sent'))
  assert.equal(server.received.length, ids.length)
  assert.equal(new Set(server.received.map(({ messageId }) => messageId)).size, ids.length)
  for (const id of ids) await service.ask(notice(), id)
  assert.equal(await service.store.deliveries.nextDue('mail'), undefined, 'a repeat long after plans nothing')
  const told = await service.told(ids[0]!)
  assert.deepEqual([told?.state, told?.epoch, told?.providerId?.startsWith('250')], ['sent', 1, true])
})

test('names and addresses that strangers chose make no header, no second recipient and no HTML', async (t) => {
  const { server, service } = await open(t)
  const names = [
    '<script>alert(1)</script>',
    'ann\r\nBcc: evil@example.org\r\n\r\n<b>body</b>',
    '"ann" <evil@example.org>, x',
    '=?utf-8?Q?=0D=0ABcc:_evil@example.org?=',
    '\u2028\u0000\u0085ann',
    '{{link}} $& <img src=x onerror=alert(1)>',
  ]
  for (const username of names) await service.outcome(await service.ask(reset(service.clock, { username })))
  for (const { to, raw, parsed } of await server.mails(names.length)) {
    assert.deepEqual(to, ['ann@example.org'])
    assert.deepEqual(Array.isArray(parsed.to) ? [] : parsed.to?.value.map(({ address }) => address), [
      'ann@example.org',
    ])
    assert.equal(parsed.headers.get('bcc'), undefined)
    assert.doesNotMatch(raw.slice(0, raw.indexOf('\r\n\r\n')), /evil@/)
    assert.doesNotMatch(String(parsed.html), /<script|<b>|<img|evil@example\.org>/)
    assert.equal(parsed.subject, 'Set a new password')
    assert.match(parsed.text ?? '', /^Hello [^\n]*,\n/)
  }
})

test('what is not one address is sent to nobody, and its reason is kept', async (t) => {
  const { server, service } = await open(t)
  const bad = [
    '"a"@b <c@evil.example>',
    'a@example.org, c@evil.example',
    'a@example.org\r\nBcc: c@evil.example',
    `${'('.repeat(1_000)}a@example.org`,
    'nobody',
  ]
  for (const to of bad) {
    const outcome = await service.outcome(await service.ask(notice({ to })))
    assert.deepEqual([outcome.kind, 'reason' in outcome && outcome.reason], ['failed', 'address.refused'], to)
  }
  await service.outcome(await service.ask(notice({ to: 'größe@bücher.example' })))
  assert.ok(server.received.every(({ to }) => to.every((each) => !each.includes('evil'))))
})

test('a link that is no web page is not made one', async (t) => {
  const { server, service } = await open(t)
  for (const link of ['javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,<script>x</script>'])
    await service.outcome(await service.ask(reset(service.clock, { link })))
  for (const { parsed } of await server.mails(3)) {
    assert.doesNotMatch(String(parsed.html), /href/)
    assert.doesNotMatch(parsed.text ?? '', /root:/)
  }
})

test('a link that has ended is not sent: not when it comes, and not when the server was away meanwhile', async (t) => {
  const { server, service } = await open(t, { letter: () => '451 4.7.1 later' })
  const late = await service.ask(reset(service.clock, { expiresAt: new Date(service.clock.now).toISOString() }))
  assert.equal((await service.told(late))?.reason, 'link.ended')
  const id = await service.ask(reset(service.clock))
  assert.equal((await service.outcome(id, 1)).kind, 'retry')
  service.clock.now += 31 * 60_000
  server.behaviour.letter = () => undefined
  const outcome = await service.outcome(id)
  assert.ok(outcome.kind === 'dropped' || outcome.kind === 'failed')
  assert.match((await service.told(id))?.reason ?? '', /^(link\.ended|too\.late)$/)
  assert.equal(server.received.length, 0)
  const old = await service.ask(notice(), undefined, new Date(service.clock.now - 15 * DAY).toISOString())
  assert.equal((await service.told(old))?.reason, 'too.late', 'nor what the ledger may have forgotten')
})

for (const [what, answer] of [
  ['busy', '451 4.3.0 try again'],
  ['shutting down', '421 4.3.2 closing'],
  ['greylisting', '450 4.7.1 greylisted'],
] as const)
  test(`a server that is ${what} is asked again, and takes the same letter once`, async (t) => {
    let refusals = 0
    const refuse = () => (refusals++ < 3 ? answer : undefined)
    const both = await open(t, answer.startsWith('450') ? { recipient: refuse } : { letter: refuse })
    const id = await both.service.ask(notice())
    assert.deepEqual(await sent(both, id), ['sent', 1])
    const told = await both.service.told(id)
    assert.deepEqual([told?.epoch, told?.reason], [4, undefined])
  })

test('a server that hangs is given up: before the greeting, and after the letter, which then comes again as the same', async (t) => {
  let silent = 2
  const both = await open(t, { connection: () => (silent-- > 0 ? 'hang' : undefined) }, { pace: HASTY })
  assert.deepEqual(await sent(both, await both.service.ask(notice())), ['sent', 1])
  let hangs = 1
  both.server.behaviour.letter = () => (hangs-- > 0 ? 'hang' : undefined)
  assert.deepEqual(await sent(both, await both.service.ask(notice())), ['sent', 2])
})

test('a slow server is waited for', async (t) => {
  const both = await open(t, { waitMs: 250 })
  const id = await both.service.ask(notice())
  assert.deepEqual(await sent(both, id), ['sent', 1])
  assert.equal((await both.service.told(id))?.epoch, 1)
})

test('where the answer is lost after the letter was taken, it comes twice at most, as one mail', async (t) => {
  let losses = 1
  const both = await open(t, { letter: () => (losses-- > 0 ? 'drop' : undefined) })
  const id = await both.service.ask(reset(both.service.clock))
  assert.deepEqual(await sent(both, id), ['sent', 2])
  const [first, second] = both.server.received
  assert.equal(first?.messageId, second?.messageId)
  assert.equal(first?.parsed.date?.getTime(), second?.parsed.date?.getTime())
  assert.equal(first?.parsed.html, second?.parsed.html)
})

test('letters wait while the server is away, in the ledger, and are sent when it is back, each once', async (t) => {
  const both = await open(t)
  const { server, service } = both
  await service.outcome(await service.ask(notice()))
  await server.down()
  const ids = await Promise.all(Array.from({ length: 10 }, () => service.ask(notice())))
  for (const id of ids) assert.equal((await service.outcome(id, 1)).kind, 'retry')
  const parts = JSON.parse((await service.get('/readyz')).text)
  assert.deepEqual([parts.status, parts.parts.mail], ['degraded', 'degraded'])
  await server.up()
  for (const id of ids) assert.deepEqual(await sent(both, id), ['sent', 1])
  assert.equal(JSON.parse((await service.get('/readyz')).text).parts.mail, 'up')
})

test('an address that bounces gets no more mail, with the reason, until it is confirmed anew or a week has passed', async (t) => {
  let there = false
  const { server, service } = await open(t, {
    recipient: (to) => (to === 'ann@example.org' && !there ? '550 5.1.1 <ann@example.org> no such user' : undefined),
  })
  const failed = (reason: string) => ({ kind: 'failed', reason, detail: '550 5.1.1 … no such user' })
  assert.deepEqual(await service.outcome(await service.ask(notice())), failed('address.refused'))
  const suspended = await service.store.audit.list({ kind: 'address.suspended' }, 10)
  assert.deepEqual(
    suspended.map(({ userId }) => userId),
    [USER],
  )
  assert.doesNotMatch(JSON.stringify(suspended), /@|550/)
  const before = server.sessions()
  const id = await service.ask(notice({ to: 'ANN@example.org' }))
  assert.deepEqual(await service.outcome(id), failed('address.suspended'))
  const { reason, detail } = (await service.told(id))!
  assert.deepEqual([reason, detail], ['address.suspended', '550 5.1.1 … no such user'])
  assert.equal(server.sessions(), before, 'the server was not asked')
  assert.equal((await service.outcome(await service.ask(notice({ to: 'ben@example.org' })))).kind, 'sent')

  there = true
  assert.equal((await service.outcome(await service.ask(notice()))).kind, 'failed', 'that it is there now nobody knows')
  await service.outcome(await service.ask(notice({ to: 'old@example.org', confirmed: 'Ann@example.org' })))
  assert.equal((await service.outcome(await service.ask(notice()))).kind, 'sent')

  there = false
  await service.outcome(await service.ask(notice()))
  service.clock.now += 7 * DAY - 60_000
  assert.equal((await service.outcome(await service.ask(notice()))).kind, 'failed')
  service.clock.now += 60_000
  there = true
  assert.equal((await service.outcome(await service.ask(notice()))).kind, 'sent')
})

test('a suspended address gets one letter a day that someone asked for to get in, and is lifted when that arrives', async (t) => {
  let there = false
  const { service } = await open(t, { recipient: () => (there ? undefined : '550 5.1.1 no such user') })
  const tryOne = async (mail = reset(service.clock)) => {
    const outcome = await service.outcome(await service.ask(mail))
    return 'reason' in outcome ? outcome.reason : outcome.kind
  }
  assert.equal(await tryOne(notice()), 'address.refused')
  assert.equal(await tryOne(), 'address.refused', 'it is tried')
  there = true
  assert.equal(await tryOne(), 'address.suspended', 'once')
  assert.equal(await tryOne(notice()), 'address.suspended')
  service.clock.now += DAY
  assert.equal(await tryOne(), 'sent')
  assert.equal(await tryOne(notice()), 'sent')
})

test('a refusal that is not about the address suspends none', async (t) => {
  const { server, service } = await open(t)
  const cases: [string, Behaviour, string][] = [
    ['spam', { letter: () => '554 5.7.1 message looks like spam' }, 'mail.refused'],
    ['mailbox full', { recipient: () => '552 5.2.2 mailbox full' }, 'mail.refused'],
    ['relaying', { recipient: () => '554 5.7.1 relay access denied' }, 'mail.refused'],
    ['policy', { recipient: () => '550 5.7.1 blocked' }, 'mail.refused'],
    ['a bare 550', { recipient: () => '550 go away' }, 'address.refused'],
  ]
  for (const [what, behaviour, expected] of cases) {
    Object.assign(server.behaviour, { letter: undefined, recipient: undefined }, behaviour)
    const to = `${what.replaceAll(' ', '.')}@example.org`
    const outcome = await service.outcome(await service.ask(notice({ to })))
    assert.equal('reason' in outcome && outcome.reason, expected, what)
    Object.assign(server.behaviour, { letter: undefined, recipient: undefined })
    const next = await service.outcome(await service.ask(notice({ to })))
    assert.equal(next.kind, expected === 'mail.refused' ? 'sent' : 'failed', what)
  }
})

test('a server that refuses our password costs no letter: it waits, and readiness tells', async (t) => {
  const server = await mailServer(t, { login: { user: 'parley', pass: 'right' } })
  const smtpUrl = `smtp://parley:wrong@127.0.0.1:${server.port}`
  const service = await openService(t, { mail: { smtpUrl, from: FROM }, pace: QUICK })
  const timer = setInterval(() => (service.clock.now += 10), 10)
  t.after(() => clearInterval(timer))
  const id = await service.ask(notice())
  const first = await service.outcome(id, 1)
  assert.deepEqual([first.kind, 'detail' in first && /535/.test(first.detail ?? '')], ['retry', true])
  assert.equal(JSON.parse((await service.get('/readyz')).text).parts.mail, 'degraded')
  await service.outcome(id, 2)
  server.behaviour.login = { user: 'parley', pass: 'wrong' }
  assert.equal((await service.outcome(id)).kind, 'sent')
})

test('a password is told to another machine over TLS only, unless the URL says otherwise', async (t) => {
  const login = { user: 'parley', pass: 'right' }
  const plain = await mailServer(t, { login })
  // As good as any other machine: an address that is not one of loopback.
  const elsewhere = `smtp://parley:right@0.0.0.0:${plain.port}`
  const first = async (smtpUrl: string) => {
    const service = await openService(t, { mail: { smtpUrl, from: FROM }, pace: QUICK })
    return service.outcome(await service.ask(notice()), 1)
  }
  const refused = await first(elsewhere)
  assert.deepEqual([refused.kind, plain.passwords], ['retry', []])
  assert.equal((await first(`${elsewhere}?ignoreTLS=true`)).kind, 'sent')
  assert.deepEqual(plain.passwords, ['right'])

  const starts = await mailServer(t, { login, tls: 'starttls' })
  assert.equal((await first(`smtp://parley:right@0.0.0.0:${starts.port}`)).kind, 'retry', 'nobody vouches for it')
  assert.equal((await first(`smtp://parley:right@0.0.0.0:${starts.port}?tls.rejectUnauthorized=false`)).kind, 'sent')
  const secure = await mailServer(t, { login, tls: 'at once' })
  assert.equal((await first(`smtps://parley:right@127.0.0.1:${secure.port}`)).kind, 'retry')
  assert.equal((await first(`smtps://parley:right@127.0.0.1:${secure.port}?tls.rejectUnauthorized=false`)).kind, 'sent')
})

test('what was never taken in a day is given up, with the last reason', async (t) => {
  const { service } = await open(t, { letter: () => '451 4.3.0 disk full' })
  const id = await service.ask(notice())
  await service.outcome(id, 1)
  service.clock.now += DAY
  assert.equal((await service.outcome(id)).kind, 'failed')
  assert.equal((await service.told(id))?.reason, 'too.late')
})

test('what its reader wanted held for a day is dropped for that, and not as if the server had been away', async (t) => {
  for (const [n, wait] of [DAY, DAY - 60_000].entries()) {
    const { service } = await open(t, {}, { digests: async () => ({ reason: 'do.not.disturb' }) })
    const { now } = service.clock
    const mail = { kind: 'digest', userId: USER, conversationIds: ['tea'], more: false }
    const payload = { id: `digest-${n}`, at: new Date(now).toISOString(), mail }
    const digest = {
      id: `mail/digest-${n}`,
      channel: 'mail' as const,
      userId: USER,
      plannedAt: now,
      dueAt: now,
      payload,
    }
    await service.store.deliveries.plan([digest])
    // Whatever is asked for has what is due looked at.
    await service.ask(notice())
    assert.equal((await service.outcome(`digest-${n}`, 1)).kind, 'retry')
    service.clock.now += wait
    await service.ask(notice())
    assert.deepEqual(await service.outcome(`digest-${n}`), { kind: 'dropped', reason: 'do.not.disturb' })
  }
})

test('of what was sent the ledger keeps whom and when, for 30 days, and no link', async (t) => {
  const { service } = await open(t)
  const id = await service.ask(reset(service.clock))
  await service.outcome(id)
  const told = (await service.told(id))!
  assert.deepEqual([told.userId, told.channel, told.state], [USER, 'mail', 'sent'])
  assert.doesNotMatch(JSON.stringify(told), /secret|example\.org/)
  assert.equal(await service.store.deliveries.purge(service.clock.now - 30 * DAY, 10), 0)
  assert.equal(await service.store.deliveries.purge(service.clock.now + 1, 10), 1)
})

test('stopping waits for the letter that is under way, and leaves the rest for the next start', async (t) => {
  const both = await open(t, { waitMs: 200 })
  const ids = await Promise.all(Array.from({ length: 8 }, () => both.service.ask(notice())))
  await both.server.mails(1)
  await both.service.close()
  const begun = both.server.received.length
  assert.ok(begun >= 1 && begun < ids.length, `${begun} were sent`)
  const next = await openService(t, {
    mail: { smtpUrl: both.server.url, from: FROM },
    pace: QUICK,
    beside: both.service,
  })
  await both.server.mails(ids.length)
  for (const { id } of next.settled) assert.ok(ids.includes(id.slice('mail/'.length)))
  await Promise.all(ids.map((id) => Promise.any([both.service.outcome(id), next.outcome(id)])))
  assert.equal(both.server.received.length, ids.length)
})
