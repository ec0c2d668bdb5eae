import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import type { SecurityEvent } from '@parley/protocol/security'
import { INTERNAL_KEY, openService, USER } from '../service.fixture.ts'
import { AUDIT_KINDS } from '../store/audit.ts'
import { sqliteStore } from '../store/sqlite.ts'
import { openParley } from '../telling.fixture.ts'
import { startAudit } from './audit.ts'

const authorization = `Bearer ${INTERNAL_KEY.toString('base64url')}`
const PASSWORD = 'correct horse battery'
const DAY_MS = 86_400_000

const envelope = (id: string, at: number) =>
  ({ id, version: 1, occurredAt: new Date(at).toISOString(), key: id, rev: 1 }) as const
const noted = (event: SecurityEvent, id: string = randomUUID()): BusEvent => ({
  ...{ ...envelope(id, Date.parse(event.at)), type: 'security.noted' },
  data: { ...event, username: 'ann', email: 'ann@example.org' },
})
const loggedIn = (at: number, userId = USER): SecurityEvent => ({
  ...{ kind: 'session.started', userId, at: new Date(at).toISOString() },
  ...{ sessionId: randomUUID(), device: 'Ann’s phone', place: '192.0.2.0/24' },
})
const deleted = (id: string, at: number): BusEvent => ({
  ...{ ...envelope(`deleted ${id}`, at), type: 'user.deleted' },
  data: { id, messages: 'keep', at: new Date(at).toISOString() },
})

async function open(t: TestContext, some: Parameters<typeof openService>[1] = {}) {
  const service = await openService(t, some)
  const ask = async (query = '', headers: Record<string, string> = { authorization }) => {
    const { status, text } = await service.internal(`/internal/audit${query}`, headers)
    return { status, ...JSON.parse(text) }
  }
  return { ...service, ask }
}

test('what happens to accounts is in the list, each once, and nothing that anybody wrote', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await parley.person('ann'), await parley.person('ben')]
  const kinds = async (): Promise<string[]> =>
    (await parley.internal(`/internal/audit?userId=${ann.id}`)).map(({ kind }) => kind)
  const become = (...expected: string[]) => t.waitFor(async () => assert.deepEqual(await kinds(), expected))
  await become('account.registered')
  const phone = await logIn(parley.url, 'Phone')
  await become('session.started', 'account.registered')
  // An old token: not the last one, which may be used again when its answer was lost.
  const [second] = [await refresh(parley.url, phone.refreshToken)]
  await refresh(parley.url, second.refreshToken)
  await refresh(parley.url, phone.refreshToken)
  await t.waitFor(async () =>
    assert.deepEqual((await kinds()).toSorted(), [
      ...['account.registered', 'session.reused', 'session.revoked', 'session.started'],
    ]),
  )
  const [over] = await parley.internal(`/internal/audit?userId=${ann.id}&kind=session.revoked`)
  assert.deepEqual([over.sessionId, over.reason], [phone.sessionId, 'reused'])
  const [reused] = await parley.internal(`/internal/audit?kind=session.reused`)
  assert.deepEqual([reused.sessionId, reused.userId, reused.place], [phone.sessionId, ann.id, '127.0.0.0/24'])

  const { subscription } = await ann.browser('Shared')
  for (let twice = 0; twice < 2; twice++)
    assert.equal((await ben.ask('POST', '/api/devices', subscription)).status, 201)
  const [moved] = await parley.internal('/internal/audit?kind=device.moved')
  assert.deepEqual([moved.userId, moved.toUserId], [ann.id, ben.id])
  assert.equal((await parley.internal('/internal/audit?kind=device.moved')).length, 1)

  const laptop = await logIn(parley.url, 'Laptop')
  const change = { oldPassword: PASSWORD, newPassword: 'another battery' }
  assert.equal((await ann.ask('POST', '/api/user/password', change)).status, 204)
  await t.waitFor(async () => assert.ok((await kinds()).includes('password.changed')))
  await t.waitFor(async () =>
    assert.deepEqual(
      (await parley.internal(`/internal/audit?userId=${ann.id}&kind=session.revoked`))
        .map(({ sessionId, reason }) => [sessionId, reason])
        .find(([id]) => id === laptop.sessionId),
      [laptop.sessionId, 'password'],
    ),
  )
  const all = await parley.internal('/internal/audit')
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
  assert.doesNotMatch(JSON.stringify(all), /ann|ben|example\.org|Phone|Laptop|Shared|battery|127\.0\.0\.1"/)

  await parley.restart()
  assert.deepEqual(await parley.internal('/internal/audit'), all)
  const leave = { password: 'another battery', messages: 'erase' }
  assert.equal((await ann.ask('DELETE', '/api/user/me', leave)).status, 204)
  await t.waitFor(async () => assert.equal((await kinds())[0], 'account.deleted'))
  const left = await parley.internal(`/internal/audit?userId=${ann.id}`)
  assert.deepEqual(
    left.filter(({ place }) => place !== undefined),
    [],
  )
  assert.ok(left.some(({ kind }) => kind === 'session.reused'))
})

test('a new password by a mailed link is told from one that was changed', async (t) => {
  const { bus, clock, ask } = await open(t)
  const at = new Date(clock.now).toISOString()
  await bus.publish(noted({ kind: 'password.changed', userId: USER, at }))
  await bus.publish(noted({ kind: 'password.changed', userId: USER, at, byLink: true }))
  await bus.publish(noted({ kind: 'email.changed', userId: USER, at }))
  const { items } = await ask()
  assert.deepEqual(
    items.map(({ kind }: { kind: string }) => kind),
    ['password.reset', 'password.changed', 'email.changed'],
  )
})

test('the list is told to who holds the internal key, on the internal port alone, page by page', async (t) => {
  const { bus, clock, ask, get, internal } = await open(t)
  const start = clock.now - 60_000
  for (let n = 0; n < 5; n++) await bus.publish(noted(loggedIn(start + Math.floor(n / 2) * 1_000)))
  await bus.publish(noted(loggedIn(start, randomUUID())))
  const ids = async (query: string): Promise<string[]> => (await ask(query)).items.map(({ id }: { id: string }) => id)
  const whole = await ids('')
  assert.equal(whole.length, 6)
  const own = await ids(`?userId=${USER}`)
  const paged: string[] = []
  for (let cursor = ''; ; ) {
    const page = await ask(`?userId=${USER}&limit=2${cursor}`)
    paged.push(...page.items.map(({ id }: { id: string }) => id))
    if (!page.nextCursor) break
    cursor = `&cursor=${page.nextCursor}`
  }
  assert.deepEqual([paged, own.length], [own, 5])
  const time = (ms: number) => encodeURIComponent(new Date(start + ms).toISOString())
  assert.deepEqual(await ids(`?before=${time(1_000)}&after=${time(0)}&userId=${USER}`), own.slice(3))
  assert.deepEqual(await ids(`?after=${time(1_000)}`), whole.slice(0, 3))
  assert.deepEqual(await ids('?kind=account.deleted'), [])
  assert.equal((await ask('', {})).status, 401)
  assert.equal((await get('/internal/audit', { authorization })).status, 404)
  for (const query of [
    ...['userId=x', 'kind=x', 'before=yesterday', 'after=2030-01-01', 'cursor=x', 'limit=0', 'limit=201', 'limit=x'],
    ...['userId=a&userId=b', `cursor=${Buffer.from('1').toString('base64url')}`, `cursor=${'x'.repeat(401)}`],
  ])
    assert.equal((await ask(`?${query}`)).status, 400, query)
  const { text } = await internal('/metrics')
  assert.match(text, /^parley_audit_entries_total\{kind="session.started"\} 6$/m)
  for (const kind of AUDIT_KINDS) assert.ok(text.includes(`parley_audit_entries_total{kind="${kind}"}`), kind)
})

test('an event is one entry, however often and to which process it comes', async (t) => {
  const one = await open(t)
  const two = await open(t, { beside: one })
  const events = Array.from({ length: 8 }, () => noted(loggedIn(one.clock.now)))
  await Promise.all([...events, ...events, ...events].map((event, n) => (n % 2 ? one : two).bus.publish(event)))
  assert.equal((await one.ask()).items.length, 8)
  const added = await Promise.all([one, two].map(async ({ internal }) => (await internal('/metrics')).text))
  const counted = added.map((text) => Number(/entries_total\{kind="session.started"\} (\d+)/.exec(text)?.[1]))
  assert.equal(counted[0]! + counted[1]!, 8)
})

test('what is older than it is kept is removed, and is not taken in again', async (t) => {
  const first = await open(t, { auditKeptMs: 10 * DAY_MS })
  const old = noted(loggedIn(first.clock.now))
  await first.bus.publish(old)
  first.clock.now += 9 * DAY_MS
  await first.bus.publish(noted(loggedIn(first.clock.now)))
  assert.equal((await first.ask()).items.length, 2)
  first.clock.now += 2 * DAY_MS
  const later = await open(t, { beside: first, auditKeptMs: 10 * DAY_MS })
  await t.waitFor(async () => assert.equal((await later.ask()).items.length, 1))
  await later.bus.publish(old)
  assert.equal((await later.ask()).items.length, 1)
})

test('of who is deleted the facts stay, and not where it was, whatever comes late', async (t) => {
  const { bus, clock, ask } = await open(t)
  await bus.publish(noted(loggedIn(clock.now)))
  assert.equal((await ask()).items[0].place, '192.0.2.0/24')
  await bus.publish(deleted(USER, clock.now + 1))
  await bus.publish(noted(loggedIn(clock.now)))
  const { items } = await ask()
  assert.deepEqual(
    items.map((one: object) => Object.keys(one).toSorted().join()),
    ['at,id,kind,userId', 'at,id,kind,sessionId,userId', 'at,id,kind,sessionId,userId'],
  )
})

test('an event that cannot be kept holds up no other, and is a dead letter', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const bus = aloneBus({ log: openLog('audit', 'silent'), deadAfter: { refusals: 3, ms: 0 } })
  await using store = sqliteStore(join(folder, 'it.db'))
  await using audit = await startAudit({ store: store.audit, bus, keptMs: DAY_MS })
  const good = loggedIn(Date.now())
  const unknown = noted({ ...good, kind: 'session.cloned' } as unknown as SecurityEvent)
  // A node of a later version may know it, to whom it comes when it is tried again.
  for (let refused = 0; refused < 2; refused++) await assert.rejects(bus.publish(unknown), { code: 'unavailable' })
  await bus.publish(noted(loggedIn(Date.now())))
  await bus.publish(unknown)
  const registered = { ...envelope(randomUUID(), Date.now()), type: 'user.registered', data: { username: 'ann' } }
  await bus.publish(registered as unknown as BusEvent)
  await bus.publish(noted(loggedIn(Date.now())))
  assert.equal((await audit.list({}, 10)).length, 2)
})

test('killed between any two lines, an event that comes again is there once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const env = { ...process.env, STORE: join(folder, 'it.db'), EVENT: JSON.stringify(noted(loggedIn(Date.now()))) }
  const run = async (crashAt: string) => {
    const program = new URL('./crash.fixture.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [program], { env: { ...env, PARLEY_CRASH_AT: crashAt }, stdio: 'ignore' })
    return (await once(child, 'exit'))[1]
  }
  const entries = async (): Promise<number> => {
    await using store = sqliteStore(env.STORE)
    return (await store.audit.list({}, 10)).length
  }
  assert.deepEqual([await run('audit.before-note'), await entries()], ['SIGKILL', 0])
  assert.deepEqual([await run('audit.after-note'), await entries()], ['SIGKILL', 1])
  assert.deepEqual([await run(''), await entries()], [null, 1])
})

interface Session {
  sessionId: string
  refreshToken: string
}

const logIn = (url: string, device: string): Promise<Session> =>
  post(url, 'login', { email: 'ann@example.org', password: PASSWORD, tokens: 'body', device })

const refresh = (url: string, refreshToken: string): Promise<Session> => post(url, 'refresh', { refreshToken })

async function post(url: string, path: string, body: object): Promise<Session> {
  const headers = { 'content-type': 'application/json' }
  return (await (
    await fetch(`${url}/api/user/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  ).json()) as Session
}
