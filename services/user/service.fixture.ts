import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import type { Bus } from '@parley/kit/bus/bus'
import { listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import type { LoginReply } from '@parley/protocol/user'
import { startUser } from './app.ts'
import { USER_LIMITS, type UserLimits } from './config.ts'
import { sqliteStore } from './store/sqlite.ts'

/** A user service as it runs in one process, on a SQLite file of its own, asked over real HTTP. */
export type Service = Awaited<ReturnType<typeof openService>>

/** What links in mails begin with. */
export const PUBLIC_URL = 'https://chat.example.net'
export const PASSWORD = 'securePass123'
export const INTERNAL_KEY = Buffer.alloc(32, 4)
const KEYS = {
  signing: Buffer.alloc(32, 1),
  refresh: Buffer.alloc(32, 2),
  pepper: Buffer.alloc(32, 3),
  internal: INTERNAL_KEY,
}

export interface Reply {
  status: number
  headers: Headers
  body: Record<string, unknown>
  /** The refresh token of the cookie it sets. */
  cookie: string | undefined
}

/** `clock.now` may be moved by the test. */
export async function openService(
  t: TestContext,
  some: {
    limits?: Partial<UserLimits>
    origins?: string[]
    trustProxies?: number
    bcryptCost?: number
    bus?: Bus
  } = {},
) {
  const log = openLog('user', 'silent')
  const clock = { now: Date.now() }
  const folder = mkdtempSync(join(tmpdir(), 'parley-user-'))
  const store = sqliteStore(join(folder, 'user.db'))
  const http = await listen({ host: '127.0.0.1', port: 0, internalPort: 0, log, trustProxies: some.trustProxies ?? 0 })
  const bus = some.bus ?? aloneBus({ log })
  const config = {
    origins: some.origins ?? [],
    publicUrl: PUBLIC_URL,
    bcryptCost: some.bcryptCost ?? 4,
    limits: { ...USER_LIMITS, ...some.limits },
  }
  const user = await startUser({ store, bus, http, keys: KEYS, config, log, now: () => clock.now })
  t.after(async () => {
    await user[Symbol.asyncDispose]()
    await bus[Symbol.asyncDispose]()
    await http[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${http.port}`

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const raw = typeof body === 'string' || body === undefined
    const response = await fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: raw ? (body as string | undefined) : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    })
    const text = await response.text()
    const cookie = /^(?:__Host-parley|parley_refresh)=([^;]*)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1]
    return {
      status: response.status,
      headers: response.headers,
      body: text ? JSON.parse(text) : {},
      cookie: cookie || undefined,
    }
  }

  async function register(name: string, password = PASSWORD): Promise<string> {
    const reply = await call('POST', '/api/user/register', { username: name, email: `${name}@example.org`, password })
    assert.equal(reply.status, 201, JSON.stringify(reply.body))
    return String((reply.body.user as { id: string }).id)
  }

  /** Signs in with the refresh token in the body. */
  async function signIn(name: string, more: object = {}): Promise<LoginReply & { refreshToken: string }> {
    const input = { email: `${name}@example.org`, password: PASSWORD, tokens: 'body', ...more }
    const reply = await call('POST', '/api/user/login', input)
    assert.equal(reply.status, 200, JSON.stringify(reply.body))
    return reply.body as unknown as LoginReply & { refreshToken: string }
  }

  return {
    url,
    internalUrl: `http://127.0.0.1:${http.internalPort}`,
    clock,
    bus,
    store,
    storePath: join(folder, 'user.db'),
    user,
    call,
    register,
    signIn,
    /** The same as `call`, signed in. */
    as: (token: string) => (method: string, path: string, body?: unknown) =>
      call(method, path, body, { authorization: `Bearer ${token}` }),
    refresh: (refreshToken: string) => call('POST', '/api/user/refresh', { refreshToken }),
    /** The next event of that type. */
    heard: <T extends BusEvent['type']>(type: T) => nextEvent(bus, type),
  }
}

async function nextEvent<T extends BusEvent['type']>(
  bus: Bus,
  type: T,
): Promise<Promise<Extract<BusEvent, { type: T }>>[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<BusEvent, { type: T }>>()
  const late = setTimeout(() => reject(new Error(`no ${type} within 5 s`)), 5_000)
  const listening = await bus.listen([type], (event) => resolve(event as Extract<BusEvent, { type: T }>))
  // In an array, so that awaiting the listener does not await the event.
  return [
    promise.finally(() => {
      clearTimeout(late)
      void listening[Symbol.asyncDispose]()
    }),
  ]
}

/**
 * The work that each of two things takes, in milliseconds of this process's CPU over all its threads: the median, taken in turns.
 * Time on the clock would tell how busy the machine is: under load it varies sixfold where the work does not vary at all.
 */
export async function workOf(one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<[number, number]> {
  const taken: [number[], number[]] = [[], []]
  for (let i = 0; i < 15; i++) {
    for (const [which, run] of [one, other].entries()) {
      const before = process.cpuUsage()
      await run()
      const { user, system } = process.cpuUsage(before)
      taken[which]!.push((user + system) / 1000)
    }
  }
  const [first, second] = taken.map((each) => each.sort((a, b) => a - b)[7]!) as [number, number]
  return [first, second]
}
