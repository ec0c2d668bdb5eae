import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import fc from 'fast-check'
import { isDigest } from '../mail/digest.ts'
import { INTERNAL_KEY, openService, USER } from '../service.fixture.ts'
import { DAY_MS, dayOf } from '../store/analytics.ts'
import { sqliteStore } from '../store/sqlite.ts'
import { LOOK_BACK, WATCHES_KEPT_MS } from '../store/watches.ts'
import { openParley } from '../telling.fixture.ts'
import { startAnalytics } from './analytics.ts'

const authorization = `Bearer ${INTERNAL_KEY.toString('base64url')}`
const NOTICES = { sent: 0, failed: 0, dropped: 0 }

const envelope = (id: string, at: number) =>
  ({ id, version: 1, occurredAt: new Date(at).toISOString(), key: id, rev: 1 }) as const
const registered = (id: string, at: number): BusEvent => ({
  ...{ ...envelope(`user/${id}`, at), type: 'user.registered', data: { id, username: id } },
})
const loggedIn = (id: string, userId: string, at: number): BusEvent => ({
  ...{ ...envelope(id, at), type: 'security.noted' },
  data: {
    ...{ kind: 'session.started', userId, sessionId: randomUUID(), device: 'Phone', username: 'ann' },
    ...{ email: 'ann@example.org', at: new Date(at).toISOString() },
  },
})
const sent = (senderIds: string[], at: number): BusEvent => ({
  ...{ ...envelope(randomUUID(), at), type: 'messages.created', data: { conversations: [], senderIds } },
})

async function open(t: Parameters<typeof openService>[0], beside?: Parameters<typeof openService>[1]) {
  const service = await openService(t, beside)
  return {
    ...service,
    days: async (query = '') =>
      JSON.parse((await service.internal(`/internal/analytics${query}`, { authorization })).text).items,
  }
}

test('who registers, logs in and writes is counted on that day, across a restart', async (t) => {
  const parley = await openParley(t)
  const [ann, ben, cleo] = [await parley.person('ann'), await parley.person('ben'), await parley.person('cleo')]
  // The log-in that follows a registration is none of its own.
  const account = { email: 'ann@example.org', password: 'correct horse battery', tokens: 'body' }
  await ann.ask('POST', '/api/user/login', { ...account, device: 'Phone' })
  for (const text of ['one', 'two', 'three']) await ann.say(ben.id, text)
  const { conversationId, seq } = await ben.say(ann.id, 'four')
  await ann.why(conversationId, seq)
  const other = await ann.say(cleo.id, 'five')
  await cleo.why(other.conversationId, other.seq)
  const counted = async () => (await parley.internal('/internal/analytics'))[0] ?? {}
  await t.waitFor(async () => assert.equal((await counted()).logIns, 1))
  const numbers = async () => ({ ...(await counted()), notices: undefined })
  const counts = await numbers()
  const { day } = counts
  assert.deepEqual(counts, { day, messages: 5, activeUsers: 3, registrations: 3, logIns: 1, notices: undefined })
  await parley.restart()
  await ben.say(ann.id, 'six')
  await t.waitFor(async () => assert.deepEqual(await numbers(), { ...counts, messages: 6 }))
})

test('alerts and mail about what is unread are channels of their own, each of which counts once', async (t) => {
  const parley = await openParley(t, { DIGEST_AFTER_MS: '20' })
  const [ann, ben] = [await parley.person('ann'), await parley.person('ben')]
  /** As the ledger has them. */
  const digests = async (): Promise<typeof NOTICES> => {
    const told = (await Promise.all([ann, ben].map(({ id }) => parley.ledgerOf(id)))).flat()
    const of = (state: string) => told.filter((one) => isDigest(one.id) && one.state === state).length
    return { sent: of('sent'), failed: of('failed'), dropped: of('dropped') }
  }
  const become = (mails: number, alerts: number) =>
    t.waitFor(
      async () => {
        const { digest, alert } = (await parley.internal('/internal/analytics'))[0]?.notices ?? {}
        assert.deepEqual([digest, alert], [await digests(), { sent: alerts }])
        assert.ok(digest.sent >= mails)
      },
      { timeout: 10_000 },
    )
  const { seq, conversationId } = await ann.say(ben.id, 'one')
  await become(1, 0)
  const thumb = `/api/conversations/${conversationId}/messages/${seq}/reactions/${encodeURIComponent('👍')}`
  await ben.ask('PUT', thumb)
  await become(1, 1)
  await ben.ask('DELETE', thumb)
  await ben.ask('PUT', thumb)
  await ben.say(ann.id, 'two', { replyTo: seq })
  await become(2, 2)
  await parley.restart()
  await ann.ask('POST', '/api/user/login', { email: 'ann@example.org', password: 'correct horse battery' })
  await become(2, 3)
})

test('what was counted is told to who holds the internal key, on the internal port alone', async (t) => {
  const { bus, clock, days, get, internal } = await open(t)
  await bus.publish(registered(USER, clock.now))
  const day = dayOf(clock.now)
  const counts = { day, messages: 0, activeUsers: 1, registrations: 1, logIns: 0 }
  assert.deepEqual(await days(), [
    { ...counts, notices: { mail: NOTICES, digest: NOTICES, push: NOTICES, alert: { sent: 0 } } },
  ])
  assert.deepEqual(await days(`?from=2020-01-01&to=2020-02-01`), [])
  assert.equal((await internal('/internal/analytics')).status, 401)
  assert.equal((await get('/internal/analytics', { authorization })).status, 404)
  for (const query of ['from=x', 'to=2030-13-01', 'from=2020-01-01&to=2022-01-01', 'from=2030-01-01&from=2030-01-02'])
    assert.equal((await internal(`/internal/analytics?${query}`, { authorization })).status, 400, query)
  assert.match((await internal('/metrics')).text, /^parley_today\{what="registrations"\} 1$/m)
})

test('in whatever order, how often and to which process events come, each counts once on its day', async (t) => {
  const one = await open(t)
  const two = await open(t, { beside: one })
  const noon = Math.floor(one.clock.now / DAY_MS) * DAY_MS + DAY_MS / 2
  one.clock.now = noon
  const users = Array.from({ length: 4 }, () => randomUUID())
  const event = fc.record({ kind: fc.nat(2), user: fc.nat(3), ago: fc.nat(2), times: fc.integer({ min: 1, max: 3 }) })
  const expected = new Map<string, { active: Set<string>; registered: Set<string>; logIns: Set<string> }>()
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), async (events) => {
      for (const { kind, user, ago, times } of events) {
        const [id, at] = [users[user]!, noon - ago * DAY_MS]
        const day = dayOf(at)
        const own = expected.get(day) ?? { active: new Set(), registered: new Set(), logIns: new Set() }
        expected.set(day, own)
        const logIn = randomUUID()
        own.active.add(id)
        if (kind === 0) own.registered.add(id)
        if (kind === 1) own.logIns.add(logIn)
        const told = [registered(id, at), loggedIn(logIn, id, at), sent([id, id], at)][kind]!
        await Promise.all(Array.from({ length: times }, (_, n) => (n % 2 ? two : one).bus.publish(told)))
      }
      const counted = [...expected].map(([day, { active, registered, logIns }]) => ({
        ...{ day, messages: 0, activeUsers: active.size, registrations: registered.size, logIns: logIns.size },
      }))
      // Devices that log in are mailed, which counts by itself, today.
      const found = (await one.days())
        .filter(({ day }: { day: string }) => expected.has(day))
        .map(({ notices: _, ...counts }: { notices: unknown }) => counts)
      assert.deepEqual(
        found,
        counted.toSorted((a, b) => a.day.localeCompare(b.day)),
      )
    }),
    { numRuns: 15, endOnFailure: true },
  )
})

test('a day is closed when nothing more of it comes, and then the store has no name of it; its numbers stay', async (t) => {
  const first = await open(t)
  const day = dayOf(first.clock.now)
  await first.bus.publish(registered(USER, first.clock.now))
  const then = await first.days()
  first.clock.now += 3 * DAY_MS
  const later = await open(t, { beside: first })
  await t.waitFor(async () => assert.equal((await later.store.analytics.closed(day, day)).length, 1))
  assert.equal((await later.store.analytics.count(day)).activeUsers, 0)
  assert.deepEqual(await later.days(`?from=${day}&to=${day}`), then)
  // What comes so late counts today.
  await later.bus.publish(registered(randomUUID(), first.clock.now - 3 * DAY_MS))
  assert.deepEqual(await later.days(`?from=${day}&to=${day}`), then)
  const today = dayOf(first.clock.now)
  assert.equal((await later.days(`?from=${today}&to=${today}`))[0].registrations, 1)
})

test('a conversation of which nothing is heard for long is forgotten, and goes on where it was', async (t) => {
  const first = await open(t)
  const { watches, analytics } = first.store
  const conversationId = randomUUID()
  const hear = async (fromSeq: number, seq: number) => {
    const now = first.clock.now
    await watches.note([{ conversationId, fromSeq, seq }], now)
    const [watch] = await watches.claim({ owner: 'me', now, leaseMs: 1_000, limit: 1 })
    const round = { conversationId, fromSeq: watch!.fromSeq, toSeq: seq, at: now, answers: [] }
    assert.equal(await watches.decide(watch!, round, [], { seq, dueAt: now }), true)
    await analytics.countMessages(dayOf(now))
    return watch!.fromSeq
  }
  assert.deepEqual([await hear(1, 900), await hear(901, 900 + LOOK_BACK)], [1, 901])
  first.clock.now += WATCHES_KEPT_MS + DAY_MS
  await open(t, { beside: first })
  // Which goes after it.
  await t.waitFor(async () => assert.equal(await watches.round(conversationId, 901), undefined))
  assert.equal(await hear(901 + LOOK_BACK, 902 + LOOK_BACK), 901)
  assert.equal((await analytics.count(dayOf(first.clock.now))).messages, 2)
})

test('killed between any two lines, an event that comes again counts once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-analytics-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const now = Date.now()
  const env = { ...process.env, STORE: join(folder, 'it.db'), EVENT: JSON.stringify(loggedIn('event', USER, now)) }
  const run = async (crashAt: string) => {
    const program = new URL('./crash.fixture.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [program], { env: { ...env, PARLEY_CRASH_AT: crashAt }, stdio: 'ignore' })
    return (await once(child, 'exit'))[1]
  }
  const logIns = async (): Promise<number> => {
    await using store = sqliteStore(env.STORE)
    return (await store.analytics.count(dayOf(now))).logIns
  }
  assert.deepEqual([await run('analytics.before-note'), await logIns()], ['SIGKILL', 0])
  assert.deepEqual([await run('analytics.after-note'), await logIns()], ['SIGKILL', 1])
  assert.deepEqual([await run(''), await logIns()], [null, 1])
})

test('an event without a user, or with what is none, is a dead letter at once, and what comes with it counts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-analytics-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const log = openLog('analytics', 'silent')
  const dead: string[] = []
  await using bus = aloneBus({ log: { ...log, error: (fields: object) => void dead.push((fields as Dead).event) } })
  await using store = sqliteStore(join(folder, 'it.db'))
  await using _ = await startAnalytics({ store: store.analytics, bus, log })
  const [good, at] = [randomUUID(), Date.now()]
  const bad = [undefined, null, 7, {}, '', 'ann', `${good}x`, [good], 'x'.repeat(10_000)] as unknown as string[]
  for (const id of bad) {
    const poison = [registered(id, at), loggedIn(id, id, at), sent([good, id], at)]
    for (const event of poison) await bus.publish({ ...event, id: randomUUID() })
  }
  assert.equal(dead.length, 3 * bad.length)
  await bus.publish(registered(good, at))
  const { activeUsers, registrations, logIns } = await store.analytics.count(dayOf(at))
  assert.deepEqual([activeUsers, registrations, logIns], [1, 1, 0])
})

interface Dead {
  event: string
}
