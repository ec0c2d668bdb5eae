import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Behaviour, mailServer } from '@parley/infra/mail-server'
import type { Why } from '@parley/protocol/notification'
import { createClient } from '@parley/sdk'
import { memoryStorage } from '@parley/sdk/memory'
import { openParley, type Parley, type Person } from '../telling.fixture.ts'

/** Parley with a mail server beside it, in a hurry. */
async function open(t: TestContext, env: Record<string, string> = {}, behaviour: Behaviour = {}) {
  const server = await mailServer(t, behaviour)
  const mail = { SMTP_URL: server.url, MAIL_FROM: 'Parley <parley@example.net>', DIGEST_AFTER_MS: '300' }
  const parley = await openParley(t, { ...mail, ...env })
  return { server, parley }
}

/** What became of the mail about that message, as soon as it is settled. */
async function mailed(person: Person, { conversationId, seq }: { conversationId: string; seq: number }) {
  for (const end = Date.now() + 15_000; Date.now() < end; await pause(20)) {
    const { mail } = (await person.why(conversationId, seq)) as Why
    if (mail && mail.state !== 'waiting') return mail
  }
  throw new Error('the mail was not settled within 15 s')
}

const groupOf = async (owner: Person, title: string, ...members: Person[]): Promise<string> => {
  const { body } = await owner.ask('POST', '/api/conversations', { title, memberIds: members.map(({ id }) => id) })
  return body.id
}

test('who has not read what has waited gets one mail that names all of it, with how to end such mails, and is told so', async (t) => {
  const { server, parley } = await open(t, { DIGEST_AFTER_MS: '1500' })
  const [ann, bob, cleo] = await people(parley, 'ann', 'bob', 'cleo')
  const group = await groupOf(ann, 'Tea & <cake>', bob, cleo)
  await ann.say(group, 'Who brings the kettle?')
  await cleo.say(group, '<script>alert(1)</script>\r\nBcc: evil@example.org')
  const last = await ann.say(bob.id, 'Hello, Bob')
  assert.equal((await mailed(bob, last)).text, 'A mail about it was sent.')
  const [mail] = server.received.filter(({ to }) => to[0] === 'bob@example.org')
  const { parsed, raw } = mail!
  assert.equal(parsed.subject, 'You have 3 unread messages')
  assert.match(parsed.text!, /^Hello bob,\n/)
  assert.match(parsed.text!, /\* ann: 1 unread message\n {2}> Hello, Bob\n/)
  assert.match(parsed.text!, /\* Tea & <cake>: 2 unread messages\. From cleo, ann\n/)
  assert.match(
    parsed.text!,
    /> ann: Who brings the kettle\?\n {2}> cleo: <script>alert\(1\)<\/script> Bcc: evil@example\.org\n/,
  )
  assert.doesNotMatch(String(parsed.html), /<script|<cake>/)
  const link = /^List-Unsubscribe: <(.+)>\r$/m.exec(raw)?.[1]
  assert.match(link ?? '', /\/api\/notifications\/unsubscribe\?token=/)
  assert.match(raw, /^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m)
  assert.ok(parsed.text!.includes(link!), 'the same as in the mail')
  assert.match(parsed.messageId!, /^<digest-[\w-]{32}@/)
  await mailed(cleo, { conversationId: group, seq: 1 })
  assert.equal(server.received.filter(({ to }) => to[0] === 'bob@example.org').length, 1)
  assert.equal(
    server.received.some(({ to }) => to[0] === 'ann@example.org'),
    true,
    'who has sent something too',
  )
})

// Most of the time they wait: they do so together.
suite('what changes while it waits', { concurrency: true }, () => {
  for (const [what, before, text] of [
    [
      'read',
      ({ bob, said }) => bob.ask('POST', `/api/conversations/${said.conversationId}/receipts`, { readSeq: said.seq }),
      'You had read it by then.',
    ],
    [
      'muted',
      ({ bob, said }) =>
        bob.ask('PATCH', `/api/conversations/${said.conversationId}/settings`, {
          mutedUntil: '2099-01-01T00:00:00.000Z',
        }),
      'The conversation was muted.',
    ],
    [
      'turned off',
      ({ bob, said }) => bob.ask('PATCH', `/api/conversations/${said.conversationId}/settings`, { level: 'none' }),
      'You have turned notifications off for this conversation.',
    ],
    [
      'deleted',
      ({ ann, said }) => ann.ask('DELETE', `/api/conversations/${said.conversationId}/messages/${said.seq}`),
      'What was new there was deleted, or had disappeared.',
    ],
    [
      'blocked',
      ({ bob, ann }) => bob.ask('PUT', `/api/user/contacts/${ann.id}/block`),
      'You have blocked who sent it, or they have blocked you.',
    ],
    [
      'turned off altogether',
      ({ bob }) => bob.ask('PATCH', '/api/notifications/preferences', { digest: false }),
      'You have turned mail about unread messages off.',
    ],
  ] as [
    string,
    (so: { ann: Person; bob: Person; said: { conversationId: string; seq: number } }) => Promise<{ status: number }>,
    string,
  ][])
    test(`what was ${what} meanwhile is not mailed, and the reason is told`, async (t) => {
      const { server, parley } = await open(t, { DIGEST_AFTER_MS: '4000' })
      const [ann, bob] = await people(parley, 'ann', 'bob')
      const said = await ann.say(bob.id, 'Hello, Bob')
      await bob.why(said.conversationId, said.seq)
      const { status } = await before({ ann, bob, said })
      assert.ok(status < 300, String(status))
      assert.deepEqual((await mailed(bob, said)).text, `No mail was sent. ${text}`)
      assert.equal(server.received.length, 0)
    })
})

test('who left meanwhile is mailed nothing, and who uses a device neither', async (t) => {
  const { server, parley } = await open(t, { DIGEST_AFTER_MS: '5000' })
  const [ann, bob, cleo] = await people(parley, 'ann', 'bob', 'cleo')
  const group = await groupOf(ann, 'Tea', bob, cleo)
  const said = await ann.say(group, 'Hello, all')
  await bob.why(group, said.seq)
  assert.equal((await bob.ask('DELETE', `/api/conversations/${group}/members/${bob.id}`)).status, 204)
  const client = createClient({ url: parley.url, storage: memoryStorage(), tokens: 'body' })
  t.after(() => client.close())
  await client.login({ email: 'cleo@example.org', password: 'correct horse battery' })
  client.connect()
  await client.settled(AbortSignal.timeout(10_000))
  assert.equal(
    (await mailed(cleo, said)).text,
    'No mail was sent. You were using Parley on one of your devices, which showed it.',
  )
  const told = async () => (await parley.ledgerOf(bob.id)).map(({ state, reason }) => [state, reason])
  while ((await told()).length === 0) await pause(20)
  assert.deepEqual(await told(), [['dropped', 'not.member']])
  const digests = server.received.filter(({ messageId }) => messageId.startsWith('<digest-'))
  assert.deepEqual(digests, [], 'the log-in was mailed, and nothing else')
})

test('from one mail to the next it is long enough, and what came meanwhile is in the next', async (t) => {
  const { server, parley } = await open(t, { DIGEST_AFTER_MS: '1', DIGEST_EVERY_MS: '2500' })
  const [ann, bob] = await people(parley, 'ann', 'bob')
  await ann.say(bob.id, 'one')
  await server.mails(1)
  const first = Date.now()
  await ann.say(bob.id, 'two')
  await ann.say(bob.id, 'three')
  const [, second] = await server.mails(2)
  assert.ok(Date.now() - first >= 2_000, `${Date.now() - first} ms`)
  assert.equal(second!.parsed.subject, 'You have 3 unread messages')
  assert.notEqual(server.received[0]!.messageId, second!.messageId)
})

test('what waits is mailed once by whoever starts next', async (t) => {
  const { server, parley } = await open(t, { DIGEST_AFTER_MS: '1000' })
  const [ann, bob] = await people(parley, 'ann', 'bob')
  const said = await ann.say(bob.id, 'Hello, Bob')
  await bob.why(said.conversationId, said.seq)
  await parley.restart()
  assert.equal((await mailed(bob, said)).state, 'sent')
  await parley.restart()
  await bob.why(said.conversationId, said.seq)
  assert.equal(server.received.length, 1)
})

test('which mail was about a message is told however much was told since, and to nobody else', async (t) => {
  const { parley } = await open(t)
  const [ann, bob, cleo] = await people(parley, 'ann', 'bob', 'cleo')
  const said = await ann.say(bob.id, 'one')
  const mail = await mailed(bob, said)
  assert.equal(mail.text, 'A mail about it was sent.')
  const later = Date.now() + 60_000
  const others = Array.from({ length: 2_000 }, (_, n) => ({
    ...{ id: `mail/digest-${n}`, channel: 'mail' as const, userId: bob.id, payload: {} },
    ...{ plannedAt: later + n, dueAt: later + n, dropped: { reason: 'read' }, covers: [`another ${n}`] },
  }))
  await parley.plan(others)
  assert.deepEqual(await mailed(bob, said), mail)
  const next = await ann.say(cleo.id, 'two')
  assert.equal((await mailed(cleo, next)).text, 'A mail about it was sent.')
  const ask = (conversationId: string, seq: number) =>
    cleo.ask('GET', `/api/notifications/why?conversationId=${conversationId}&seq=${seq}`)
  const [foreign, unsent, nowhere] = await Promise.all([
    ask(said.conversationId, said.seq),
    ask(next.conversationId, next.seq + 1),
    ask(crypto.randomUUID(), 1),
  ])
  assert.equal(foreign!.status, 404)
  const worded = ({ body }: { body: { code: string; message: string } }) => [body.code, body.message]
  assert.deepEqual(worded(foreign!), worded(nowhere!))
  assert.deepEqual(worded(unsent!), worded(nowhere!))
})

test('a mail about another conversation is not told of as if it were about this', async (t) => {
  const { parley } = await open(t, { DIGEST_AFTER_MS: '3000' })
  const [ann, bob] = await people(parley, 'ann', 'bob')
  const said = await ann.say(bob.id, 'one')
  await bob.why(said.conversationId, said.seq)
  const at = Date.now() + 1
  const other = { id: 'mail/digest-other', channel: 'mail' as const, userId: bob.id, plannedAt: at, dueAt: at }
  await parley.plan([{ ...other, payload: {}, dropped: { reason: 'muted' }, covers: ['another'] }])
  assert.equal((await bob.why(said.conversationId, said.seq)).mail, undefined)
  assert.equal((await mailed(bob, said)).text, 'A mail about it was sent.')
})

test('of each message it is told whether the mail told of it, and if not, why', async (t) => {
  const { server, parley } = await open(t, { DIGEST_AFTER_MS: '4000' })
  const [ann, bob, cleo] = await people(parley, 'ann', 'bob', 'cleo')
  const group = await groupOf(ann, 'Tea', bob, cleo)
  const seen = await ann.say(group, 'one')
  const last = await ann.say(group, 'two')
  const direct = await cleo.say(bob.id, 'three')
  for (const { conversationId, seq } of [last, direct]) await bob.why(conversationId, seq)
  const read = { readSeq: seen.seq }
  assert.equal((await bob.ask('POST', `/api/conversations/${group}/receipts`, read)).status, 200)
  const until = { mutedUntil: '2099-01-01T00:00:00.000Z' }
  await bob.ask('PATCH', `/api/conversations/${direct.conversationId}/settings`, until)
  assert.equal((await mailed(bob, last)).text, 'A mail about it was sent.')
  const [before, muted] = [await mailed(bob, seen), await mailed(bob, direct)]
  const not = 'The mail that was sent did not tell of it.'
  assert.deepEqual([before.state, before.text], ['dropped', `${not} You had read it by then.`])
  assert.deepEqual([muted.state, muted.text], ['dropped', `${not} The conversation was muted.`])
  const [mail] = server.received.filter(({ to }) => to[0] === 'bob@example.org')
  assert.match(mail!.parsed.text!, /two/)
  assert.doesNotMatch(mail!.parsed.text!, /one\n|three/)
})

test('where no mail is sent each conversation has its own reason', async (t) => {
  const { parley } = await open(t, { DIGEST_AFTER_MS: '4000' })
  const [ann, bob, cleo] = await people(parley, 'ann', 'bob', 'cleo')
  const [read, muted] = [await ann.say(bob.id, 'one'), await cleo.say(bob.id, 'two')]
  for (const { conversationId, seq } of [read, muted]) await bob.why(conversationId, seq)
  await bob.ask('POST', `/api/conversations/${read.conversationId}/receipts`, { readSeq: read.seq })
  const until = { mutedUntil: '2099-01-01T00:00:00.000Z' }
  await bob.ask('PATCH', `/api/conversations/${muted.conversationId}/settings`, until)
  assert.equal((await mailed(bob, read)).text, 'No mail was sent. You had read it by then.')
  assert.equal((await mailed(bob, muted)).text, 'No mail was sent. The conversation was muted.')
})

test('a mail whose server was busy tells what is unread when that takes it', async (t) => {
  let busy = 1
  const { server, parley } = await open(t, {}, { letter: () => (busy-- > 0 ? '451 4.3.0 later' : undefined) })
  const [ann, bob] = await people(parley, 'ann', 'bob')
  const said = await ann.say(bob.id, 'one')
  while ((await parley.ledgerOf(bob.id)).every(({ reason }) => reason !== 'server.busy')) await pause(20)
  await ann.say(bob.id, 'two')
  assert.equal((await mailed(bob, said)).state, 'sent')
  assert.equal(server.received.length, 1)
  assert.equal(server.received[0]!.parsed.subject, 'You have 2 unread messages')
})

test('a mail says no more than the operator lets it, in the language that its reader chose', async (t) => {
  const { server, parley } = await open(t, { MAIL_CONTENT: 'sender' })
  const [ann, bob] = await people(parley, 'ann', 'bob')
  await bob.ask('PATCH', '/api/notifications/preferences', { locale: 'de' })
  await ann.say(bob.id, 'secret words')
  const [mail] = await server.mails(1)
  assert.equal(mail!.parsed.subject, 'Du hast 1 ungelesene Nachricht')
  assert.match(mail!.parsed.text!, /^Hallo bob,[\s\S]*\* ann: 1 ungelesene Nachricht\n/)
  assert.match(String(mail!.parsed.html), /<html lang="de">/)
  assert.doesNotMatch(mail!.raw, /secret words/)
})

test('one click in a mail program ends the mails', async (t) => {
  const { server, parley } = await open(t, { DIGEST_EVERY_MS: '0' })
  const [ann, bob] = await people(parley, 'ann', 'bob')
  await ann.say(bob.id, 'one')
  const [mail] = await server.mails(1)
  const link = new URL(/^List-Unsubscribe: <(.+)>\r$/m.exec(mail!.raw)![1]!)
  const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
  const reply = await fetch(`${parley.url}${link.pathname}${link.search}`, { method: 'POST', body, redirect: 'error' })
  assert.equal(reply.status, 200)
  assert.equal((await bob.ask('GET', '/api/notifications/preferences')).body.digest, false)
  const said = await ann.say(bob.id, 'two')
  assert.equal((await bob.why(said.conversationId, said.seq)).mail, undefined)
  assert.equal(server.received.length, 1)
})

/** Two or three of them, as many as there are names. */
const people = async (parley: Parley, ...names: string[]) =>
  (await Promise.all(names.map(parley.person))) as [Person, Person, Person]
