import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import type { Bus } from '@parley/kit/bus/bus'
import { type Http, listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import { LIMITS, type Limits } from '@parley/protocol/limits'
import type { ChatDirectory } from '@parley/protocol/standing'
import type { PublicUser } from '@parley/protocol/user'
import { startChat } from './app.ts'
import { type TestDevice, testDevice } from './device.fixture.ts'
import { sqliteStore } from './store/sqlite.ts'
import type { ChatStore } from './store/store.ts'
import { type TestUsers, testUsers } from './users.fixture.ts'

/** Chat nodes on one SQLite file and one embedded bus, with people to use them. Closed when the test ends. */
export interface TestChat {
  store: ChatStore
  bus: Bus
  users: TestUsers
  internalKey: Buffer
  nodes: { url: string; http: Http; directory: ChatDirectory; stop(): Promise<void> }[]
  /** A connected device of that user, after its `hello`. */
  device(user: PublicUser, options?: { node?: number; token?: string }): Promise<TestDevice>
  /** A request as that user, of the first node or another; gives status and body. */
  request(
    user: PublicUser,
    method: string,
    path: string,
    body?: object,
    headers?: Record<string, string>,
    node?: number,
  ): Promise<Reply>
}

export interface Reply {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a body by comparing it
  body: any
}

export async function testChat(
  t: TestContext,
  options: {
    nodes?: number
    limits?: Partial<Limits>
    origins?: string[]
    users?: TestUsers
    bus?: (bus: Bus) => Bus
    store?: (store: ChatStore) => ChatStore
    /** Where several of these are one service. */
    contentKey?: KeyObject
  } = {},
): Promise<TestChat> {
  const log = openLog('test', process.env.LOG_LEVEL ?? 'silent')
  const stack = new AsyncDisposableStack()
  t.after(() => stack.disposeAsync())
  const folder = mkdtempSync(join(tmpdir(), 'parley-chat-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const bus = stack.use(aloneBus({ log }))
  const file = stack.use(await sqliteStore(join(folder, 'chat.db'), { log }))
  const store = options.store?.(file) ?? file
  const users = options.users ?? testUsers()
  const limits = { ...LIMITS, ...options.limits }
  const contentKey = options.contentKey ?? createSecretKey(randomBytes(32))
  const internalKey = randomBytes(32)
  const nodes: TestChat['nodes'] = []
  for (let n = 0; n < (options.nodes ?? 1); n++) {
    const http = stack.use(await listen({ host: '127.0.0.1', port: 0, internalPort: 0, log }))
    const parts = { store, bus: options.bus?.(bus) ?? bus, http, directory: users, log }
    const chat = await startChat({
      ...parts,
      config: { contentKey, internalKey, origins: options.origins ?? [], limits },
    })
    let stopping: Promise<void> | undefined
    const stop = (): Promise<void> => {
      stopping ??= (async () => chat[Symbol.asyncDispose]())()
      return stopping
    }
    stack.defer(stop)
    nodes.push({ url: `http://127.0.0.1:${http.port}`, http, directory: chat.directory, stop })
  }
  const tokens = new Map<string, string>()
  const tokenOf = (user: PublicUser): string => {
    const token = tokens.get(user.id) ?? users.token(user)
    tokens.set(user.id, token)
    return token
  }

  return {
    store,
    bus,
    users,
    internalKey,
    nodes,
    async device(user, { node = 0, token = users.token(user) } = {}) {
      const device = testDevice(t, nodes[node]!.url, token)
      await device.next('hello')
      return device
    },
    async request(user, method, path, body, headers, node = 0) {
      const reply = await fetch(`${nodes[node]!.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${tokenOf(user)}`, 'content-type': 'application/json', ...headers },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      })
      const text = await reply.text()
      return { status: reply.status, body: text ? JSON.parse(text) : undefined }
    },
  }
}
