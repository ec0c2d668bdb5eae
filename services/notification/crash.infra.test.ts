import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { type Behaviour, mailServer } from '@parley/infra/mail-server'
import { until } from '@parley/infra/until'
import type { CrashPoint } from '@parley/kit/crash'
import { notice, USER } from './service.fixture.ts'
import type { Told } from './store/deliveries.ts'
import { sqliteStore } from './store/sqlite.ts'

/** Leases end quickly, so that what a dead process held is not waited for. */
const PACE = { retryMs: { first: 20, most: 40 }, connectMs: 2_000, answerMs: 8_000, sendMs: 8_000, leaseMs: 2_500 }

/** A ledger, a mail server, and the processes started on them. */
async function open(t: TestContext, behaviour: Behaviour = {}, pace = PACE) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-notification-crash-'))
  const children: ChildProcess[] = []
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
    rmSync(folder, { recursive: true })
  })
  const server = await mailServer(t, behaviour)
  const path = join(folder, 'notification.db')

  async function start(crashAt?: CrashPoint) {
    const env = {
      ...process.env,
      STORE: path,
      SMTP_URL: server.url,
      PACE: JSON.stringify(pace),
      PARLEY_CRASH_AT: crashAt ?? '',
    }
    const program = new URL('./alone.fixture.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    const lines = createInterface({ input: child.stdout! })
    const exited = once(child, 'exit')
    await once(lines, 'line', { signal: AbortSignal.timeout(10_000) })
    return {
      child,
      /** Publishes it once, as an outbox does; whether the bus has said that it has it. */
      async ask(id: string): Promise<boolean> {
        const occurredAt = new Date().toISOString()
        const event = { id, type: 'mail.requested', version: 1, occurredAt, key: id, rev: 1, data: notice() }
        child.stdin!.on('error', () => {}) // it may be dead already
        child.stdin!.write(`${JSON.stringify(event)}\n`)
        return Promise.race([once(lines, 'line').then(([line]) => line === id), exited.then(() => false)])
      },
      /** Notes that something is unread in a conversation; whether that is kept. */
      async unread(id: string): Promise<boolean> {
        child.stdin!.on('error', () => {}) // it may be dead already
        child.stdin!.write(`${JSON.stringify({ id, unreadBy: USER })}\n`)
        return Promise.race([once(lines, 'line').then(([line]) => line === id), exited.then(() => false)])
      },
      async died(): Promise<void> {
        await exited
        assert.equal(child.signalCode, 'SIGKILL')
      },
    }
  }

  /** What the ledger says of it, once it is settled for good. */
  async function settled(id: string): Promise<Told> {
    await using store = sqliteStore(path)
    return await until(`${id} to be settled`, 15_000, async () => {
      const told = (await store.deliveries.ofUser(USER, 100)).find((one) => one.id === `mail/${id}`)
      return told?.settledAt !== undefined && told
    })
  }
  /** The mails about what is unread, once one is settled for good. */
  async function digests(): Promise<Told[]> {
    await using store = sqliteStore(path)
    return await until('a digest to be settled', 15_000, async () => {
      const told = (await store.deliveries.ofUser(USER, 100)).filter(({ id }) => id.startsWith('mail/digest-'))
      return told.some(({ settledAt }) => settledAt !== undefined) && told
    })
  }
  return { server, start, settled, digests }
}

for (const [point, copies] of [
  ['digest.after-note', 1],
  ['digest.before-settle', 1],
  ['digest.after-settle', 1],
  ['delivery.before-send', 1],
  ['delivery.after-send', 2],
  ['delivery.after-settle', 1],
] as const)
  test(`what is unread is mailed by another where the service dies at ${point}${copies === 2 ? ', again, as the same mail' : ', once'}`, async (t) => {
    const { server, start, digests } = await open(t)
    const [dying] = [await start(point)]
    const kept = await dying.unread('tea')
    await dying.died()
    const [one, other] = [await start(), await start()]
    // Whoever decides on the conversation does it again.
    if (!kept) assert.equal(await one.unread('tea'), true)
    const told = await digests()
    assert.deepEqual([told.length, told[0]?.state], [1, 'sent'])
    await other.unread('tea')
    assert.equal((await digests()).length, 1, 'the next one is due much later')
    const ids = server.received.map(({ messageId }) => messageId)
    assert.deepEqual([ids.length, new Set(ids).size], [copies, 1])
  })

test('two who note and send at once mail what is unread once', async (t) => {
  const { server, start, digests } = await open(t)
  const [one, other] = [await start(), await start()]
  for (let i = 0; i < 10; i++) await Promise.all([one.unread(`c${i}`), other.unread(`c${i}`)])
  const told = await digests()
  assert.deepEqual([told.length, told[0]?.state, server.received.length], [1, 'sent', 1])
})

for (const [point, copies] of [
  ['delivery.before-plan', 1],
  ['delivery.after-plan', 1],
  ['delivery.before-send', 1],
  ['delivery.after-send', 2],
  ['delivery.after-settle', 1],
] as const)
  test(`a letter whose service dies at ${point} is sent${copies === 2 ? ' again, as the same mail' : ' once'}`, async (t) => {
    const { server, start, settled } = await open(t)
    const dying = await start(point)
    const id = randomUUID()
    const taken = await dying.ask(id)
    await dying.died()
    const next = await start()
    // The outbox repeats what the bus did not say that it has.
    if (!taken) assert.equal(await next.ask(id), true)
    assert.equal((await settled(id)).state, 'sent')
    assert.equal(await next.ask(id), true, 'a repeat changes nothing')
    const other = randomUUID()
    await next.ask(other)
    assert.equal((await settled(other)).state, 'sent')
    const arrived = server.received.filter(({ messageId }) => messageId.startsWith(`<${id}@`))
    assert.equal(arrived.length, copies)
    assert.equal(new Set(arrived.map(({ messageId }) => messageId)).size, 1)
  })

test('who is killed while the server holds its answer back has its letter sent by another when the lease is over', async (t) => {
  let holds = 1
  const { server, start, settled } = await open(t, { letter: () => (holds-- > 0 ? 'hang' : undefined) })
  const [one, other] = [await start(), await start()]
  const id = randomUUID()
  assert.equal(await one.ask(id), true)
  await server.mails(1)
  one.child.kill('SIGKILL')
  await one.died()
  const told = await settled(id)
  assert.deepEqual([told.state, told.epoch], ['sent', 2])
  assert.equal(server.received.length, 2, 'the server had taken the first')
  assert.equal(new Set(server.received.map(({ messageId }) => messageId)).size, 1)
  assert.equal(await other.ask(id), true)
})

test('a server that is slower than a lease is waited for all the same, and no other process sends meanwhile', async (t) => {
  const pace = { ...PACE, answerMs: 15_000, sendMs: 15_000, leaseMs: 2_000 }
  const { server, start, settled } = await open(t, { waitMs: 5_000 }, pace)
  const [one, other] = [await start(), await start()]
  const id = randomUUID()
  assert.equal(await one.ask(id), true)
  assert.equal(await other.ask(id), true)
  const { state, epoch } = await settled(id)
  assert.deepEqual([state, epoch, server.received.length], ['sent', 1, 1])
})

test('who is frozen past the lease before the letter has left sends it no more', async (t) => {
  const reached = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  let asked = 0
  const { server, start, settled } = await open(t, {
    // The first conversation stands still at its recipient until its client was frozen and goes on.
    async recipient() {
      if (++asked > 1) return undefined
      reached.resolve()
      await release.promise
      return undefined
    },
  })
  const [frozen, other] = [await start(), await start()]
  const id = randomUUID()
  assert.equal(await frozen.ask(id), true)
  await reached.promise
  frozen.child.kill('SIGSTOP')
  const told = await settled(id)
  assert.deepEqual([told.state, told.epoch], ['sent', 2])
  release.resolve()
  frozen.child.kill('SIGCONT')
  // It is alive, and takes its share of what comes next.
  const more = Array.from({ length: 6 }, () => randomUUID())
  for (const [i, next] of more.entries()) await (i % 2 ? frozen : other).ask(next)
  for (const next of more) assert.equal((await settled(next)).state, 'sent')
  assert.equal(server.received.filter(({ messageId }) => messageId.startsWith(`<${id}@`)).length, 1)
})

test('who is frozen after the server took the letter settles nothing when it goes on: the ledger is the other’s', async (t) => {
  const taken = Promise.withResolvers<void>()
  let holds = 1
  const { server, start, settled } = await open(t, {
    letter() {
      if (holds-- <= 0) return undefined
      taken.resolve()
      return 'hang'
    },
  })
  const [frozen, other] = [await start(), await start()]
  const id = randomUUID()
  assert.equal(await frozen.ask(id), true)
  await taken.promise
  frozen.child.kill('SIGSTOP')
  const told = await settled(id)
  frozen.child.kill('SIGCONT')
  const next = randomUUID()
  assert.equal(await frozen.ask(next), true)
  assert.equal((await settled(next)).state, 'sent')
  assert.deepEqual(await settled(id), told, 'what the other said stands')
  assert.deepEqual(
    [told.epoch, server.received.filter(({ messageId }) => messageId.startsWith(`<${id}@`)).length],
    [2, 2],
  )
  assert.equal(await other.ask(id), true)
})

test('two processes that are killed in turn while letters come send every one, and none more often than processes died', async (t) => {
  const { server, start, settled } = await open(t, { waitMs: 20 })
  const ids = Array.from({ length: 24 }, () => randomUUID())
  let [one, other] = [await start(), await start()]
  let deaths = 0
  for (const [i, id] of ids.entries()) {
    let taken = await one.ask(id)
    if (i % 6 === 5) {
      one.child.kill('SIGKILL')
      await one.died()
      deaths++
      ;[one, other] = [other, await start()]
    }
    while (!taken) taken = await one.ask(id)
  }
  for (const id of ids) assert.equal((await settled(id)).state, 'sent')
  const copies = new Map<string, number>()
  for (const { messageId } of server.received) copies.set(messageId, (copies.get(messageId) ?? 0) + 1)
  assert.equal(copies.size, ids.length)
  // Each death may cut off what was on its way just then: four at most.
  assert.ok(server.received.length - ids.length <= deaths * 4, `${server.received.length} for ${ids.length} letters`)
})
