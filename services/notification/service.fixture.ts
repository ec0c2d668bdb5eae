import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import type { Bus } from '@parley/kit/bus/bus'
import { listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import type { Mail } from '@parley/protocol/mail'
import { startNotification } from './app.ts'
import type { MailConfig } from './config.ts'
import type { Digests } from './mail/digest.ts'
import type { Outcome, Told } from './store/deliveries.ts'
import { sqliteStore } from './store/sqlite.ts'
import type { NotificationStore } from './store/store.ts'

export const ORIGIN = 'https://chat.example.net'
export const INTERNAL_KEY = Buffer.alloc(32, 4)
export const USER = '0197f0a0-0000-7000-8000-000000000001'
export const FROM = { name: 'Parley', address: 'parley@example.net' }

/** A notification service as it runs in one process, on a SQLite file of its own. `clock.now` may be moved by the test. */
export type Service = Awaited<ReturnType<typeof openService>>

export async function openService(
  t: TestContext,
  some: {
    mail?: MailConfig
    pace?: Parameters<typeof startNotification>[0]['pace']
    /** Another process on the same ledger. */
    beside?: { folder: string; clock: { now: number } }
    store?: NotificationStore
    /** How long it is kept what happened to accounts. */
    auditKeptMs?: number
    bus?: Bus
    /** What digests tell; nothing is unread without. */
    digests?: Digests
  } = {},
) {
  const log = openLog('notification', 'silent')
  const folder: string = some.beside?.folder ?? mkdtempSync(join(tmpdir(), 'parley-notification-'))
  const clock = some.beside?.clock ?? { now: Date.now() }
  const store = some.store ?? sqliteStore(join(folder, 'notification.db'))
  // Many wait for outcomes at once.
  const outcomes = new EventEmitter().setMaxListeners(0)
  /** Outcomes in the ledger, in the order in which they came there. */
  const settled: { id: string; epoch: number; outcome: Outcome }[] = []
  const observed: NotificationStore = {
    ...store,
    deliveries: {
      ...store.deliveries,
      async settle(id, epoch, outcome, now) {
        const done = await store.deliveries.settle(id, epoch, outcome, now)
        if (done) settled.push({ id, epoch, outcome })
        outcomes.emit('settled')
        return done
      },
    },
  }
  const http = await listen({ host: '127.0.0.1', port: 0, internalPort: 0, log })
  const deleted = new Set<string>()
  const bus = some.bus ?? aloneBus({ log })
  const service = await startNotification({
    store: observed,
    bus,
    http,
    keys: { internal: INTERNAL_KEY },
    users: { find: async (ids) => ids.filter((id) => !deleted.has(id)).map((id) => ({ id, username: '' })) },
    digests: some.digests ?? (async () => ({ reason: 'read' })),
    config: {
      publicUrl: ORIGIN,
      mail: some.mail ?? 'captured',
      audit: { keptMs: some.auditKeptMs ?? 180 * 86_400_000 },
    },
    log,
    now: () => clock.now,
    ...(some.pace && { pace: some.pace }),
  })
  t.after(async () => {
    await service[Symbol.asyncDispose]()
    await bus[Symbol.asyncDispose]()
    await http[Symbol.asyncDispose]()
    if (!some.beside) rmSync(folder, { recursive: true })
  })

  /** As nothing but a plain HTTP client can ask: with any `Host`. */
  const get = (
    path: string,
    headers: Record<string, string> = {},
    port: number | undefined = http.port,
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, headers }, (res) => {
        let text = ''
        res.on('data', (data) => (text += data))
        res.on('end', () => resolve({ status: res.statusCode!, text }))
      })
      asked.on('error', reject).end()
    })

  return {
    folder,
    clock,
    /** Those who are there no more. */
    deleted,
    store,
    http,
    bus,
    captured: service.captured,
    settled,
    get,
    internal: (path: string, headers: Record<string, string> = {}) => get(path, headers, http.internalPort),
    /** As an outbox publishes it. */
    async ask(mail: Mail, id: string = randomUUID(), occurredAt = new Date(clock.now).toISOString()): Promise<string> {
      await bus.publish({ id, type: 'mail.requested', version: 1, occurredAt, key: id, rev: 1, data: mail })
      return id
    },
    /** What came of the `n`th try of a letter (of the last, for good, without it). */
    async outcome(id: string, n?: number): Promise<Outcome> {
      const signal = AbortSignal.timeout(15_000)
      for (;;) {
        const own = settled.filter((one) => one.id === `mail/${id}`).map(({ outcome }) => outcome)
        const found = n === undefined ? own.find(({ kind }) => kind !== 'retry') : own[n - 1]
        if (found) return found
        await once(outcomes, 'settled', { signal })
      }
    },
    told: async (id: string): Promise<Told | undefined> =>
      (await store.deliveries.ofUser(USER, 1_000)).find((one) => one.id === `mail/${id}`),
    close: () => service[Symbol.asyncDispose](),
  }
}

export const reset = (clock: { now: number }, more: Partial<Mail> = {}): Mail =>
  ({
    kind: 'password.reset',
    to: 'ann@example.org',
    username: 'ann',
    userId: USER,
    link: `${ORIGIN}/password/reset#secret-of-ann`,
    expiresAt: new Date(clock.now + 30 * 60_000).toISOString(),
    ...more,
  }) as Mail

export const notice = (more: Partial<Mail> = {}): Mail =>
  ({ kind: 'password.changed', to: 'ann@example.org', username: 'ann', userId: USER, ...more }) as Mail
