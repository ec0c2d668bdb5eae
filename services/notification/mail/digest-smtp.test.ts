import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Behaviour, mailServer, type Received } from '@parley/infra/mail-server'
import type { MailPace } from '../mail.ts'
import type { Told } from '../store/deliveries.ts'
import { openParley, type Person } from '../telling.fixture.ts'

/** What fails is due again at once. A busy machine is not taken for a server that hangs, but where that is meant. */
const QUICK = { retryMs: { first: 20, most: 40 }, connectMs: 5_000, answerMs: 10_000, sendMs: 15_000, leaseMs: 20_000 }
const HASTY = { ...QUICK, connectMs: 500, answerMs: 1_000 }

/** Ann and Bob, a mail server that behaves so, and what Bob is mailed about what Ann says. */
async function open(t: TestContext, behaviour: Behaviour, pace: MailPace = QUICK, env: Record<string, string> = {}) {
  const server = await mailServer(t, behaviour)
  const settings = { SMTP_URL: server.url, MAIL_FROM: 'Parley <parley@example.net>', DIGEST_AFTER_MS: '1' }
  const parley = await openParley(t, { ...settings, ...env }, pace)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]

  /** Bob's digests in the ledger, the first first, as soon as so many are settled. */
  async function digests(count = 1): Promise<Told[]> {
    for (const end = Date.now() + 20_000; Date.now() < end; await pause(20)) {
      const all = (await parley.ledgerOf(bob.id)).filter(({ id }) => id.startsWith('mail/digest-'))
      if (all.filter(({ settledAt }) => settledAt !== undefined).length >= count) return all.reverse()
    }
    throw new Error(`no ${count} digests were settled within 20 s`)
  }
  return { server, parley, ann, bob, digests }
}

function areOneMail(copies: readonly Received[]): void {
  const said = ({ messageId, parsed: { date, subject, text, html } }: Received): string =>
    JSON.stringify([messageId, date, subject, text, html])
  assert.equal(new Set(copies.map(said)).size, 1)
}

// Most of the time they wait: they do so together.
suite('a mail about what is unread', { concurrency: 4 }, () => {
  test('is taken once by a server that was busy, shutting down, greylisting or slow, under one entry of the ledger', async (t) => {
    const { server, ann, bob, digests } = await open(t, {}, QUICK, { DIGEST_EVERY_MS: '0' })
    const answers = ['451 4.3.0 try again', '421 4.3.2 closing', '450 4.7.1 greylisted']
    for (const [before, answer] of answers.entries()) {
      let refusals = 0
      const refuse = () => (refusals++ < 3 ? answer : undefined)
      const behaviour: Behaviour = answer.startsWith('450') ? { recipient: refuse } : { letter: refuse }
      Object.assign(server.behaviour, { letter: undefined, recipient: undefined }, behaviour)
      await ann.say(bob.id, answer)
      const { state, epoch } = (await digests(before + 1))[before]!
      assert.deepEqual([state, epoch, server.received.length], ['sent', 4, before + 1], answer)
    }
    server.behaviour.waitMs = 1_500
    await ann.say(bob.id, 'slowly')
    const [, , , slow] = await digests(4)
    assert.deepEqual([slow?.state, slow?.epoch, server.received.length], ['sent', 1, 4])
  })

  test('comes once from a server that did not greet at first, and again as the same mail from one that hung after taking it', async (t) => {
    let silent = 2
    const { server, ann, bob, digests } = await open(
      t,
      { connection: () => (silent-- > 0 ? 'hang' : undefined) },
      { ...QUICK, connectMs: 300 },
    )
    await ann.say(bob.id, 'Hello, Bob')
    assert.deepEqual([(await digests())[0]?.state, server.received.length], ['sent', 1])
    let hangs = 1
    const other = await open(t, { letter: () => (hangs-- > 0 ? 'hang' : undefined) }, HASTY)
    await other.ann.say(other.bob.id, 'Hello, Bob')
    assert.equal((await other.digests())[0]?.state, 'sent')
    assert.ok(other.server.received.length >= 2)
    areOneMail(other.server.received)
  })

  test('comes again as the very same where the answer was lost after the server took it', async (t) => {
    let losses = 2
    const { server, ann, bob, digests } = await open(t, { letter: () => (losses-- > 0 ? 'drop' : undefined) })
    await ann.say(bob.id, 'Hello, Bob')
    assert.deepEqual([(await digests())[0]?.state, server.received.length], ['sent', 3])
    areOneMail(server.received)
  })

  for (const [what, act] of [
    ['deleted', (ann, _, path, seq) => ann.ask('DELETE', `${path}/messages/${seq}`)],
    ['read', (_, bob, path, seq) => bob.ask('POST', `${path}/receipts`, { readSeq: seq })],
  ] as [string, (ann: Person, bob: Person, path: string, seq: number) => Promise<{ status: number }>][])
    test(`whose answer was lost does not say again what was ${what} since, and does not come again when nothing is left`, async (t) => {
      const { server, ann, bob, digests } = await open(t, { letter: () => 'drop' })
      const first = await ann.say(bob.id, 'first words')
      const path = `/api/conversations/${first.conversationId}`
      await server.mails(1)
      const next = await ann.say(bob.id, 'other words')
      assert.ok((await act(ann, bob, path, first.seq)).status < 300)
      await afterNext(server)
      const tried = server.received.length
      const copies = (await server.mails(tried + 1)).slice(tried)
      assert.match(copies[0]?.parsed.text ?? '', /other words/)
      assert.doesNotMatch(copies[0]?.raw ?? '', /first words/)
      assert.ok((await act(ann, bob, path, next.seq)).status < 300)
      const [told] = await digests()
      assert.deepEqual([told?.state, told?.reason], ['dropped', what === 'read' ? 'read' : 'message.gone'])
      assert.equal(new Set(server.received.map(({ messageId }) => messageId)).size, 1)
    })

  test('to an address where nobody is suspends it: no further one is tried there, and its user can see why', async (t) => {
    let asked = 0
    const refuse = () => {
      asked++
      return '550 5.1.1 nobody here'
    }
    const { server, parley, ann, bob, digests } = await open(t, { recipient: refuse }, QUICK, { DIGEST_EVERY_MS: '0' })
    const first = await ann.say(bob.id, 'Hello, Bob')
    assert.deepEqual(
      (await digests()).map(({ state, reason, detail }) => [state, reason, detail]),
      [['failed', 'address.refused', '550 5.1.1 nobody here']],
    )
    const tries = asked
    await parley.restart()
    const next = await ann.say(bob.id, 'Are you there?')
    const [, second] = await digests(2)
    assert.deepEqual([second?.state, second?.reason, second?.epoch], ['failed', 'address.suspended', 1])
    assert.deepEqual([server.received.length, asked], [0, tries])
    for (const { conversationId, seq } of [first, next]) {
      const { mail } = await bob.why(conversationId, seq)
      assert.deepEqual([mail?.state, mail?.text], ['failed', 'No mail was sent: your address cannot be reached.'])
    }
  })

  test('is not sent twice within its interval, however long its server makes the first one wait', async (t) => {
    let busy = true
    const { server, parley, ann, bob, digests } = await open(
      t,
      { letter: () => (busy ? '451 4.3.0 busy' : undefined) },
      QUICK,
      { DIGEST_EVERY_MS: '3600000' },
    )
    await ann.say(bob.id, 'one')
    while (!(await parley.ledgerOf(bob.id)).some(({ epoch }) => epoch >= 3)) await pause(20)
    const said = await ann.say(bob.id, 'two')
    await bob.why(said.conversationId, said.seq)
    busy = false
    const all = await digests()
    assert.deepEqual([all.length, server.received.length], [1, 1])
    assert.equal(server.received[0]?.parsed.subject, 'You have 2 unread messages')
  })
})

/** When the letter that may have been written before now has arrived. */
async function afterNext(server: Awaited<ReturnType<typeof mailServer>>): Promise<void> {
  await server.mails(server.received.length + 1)
}
