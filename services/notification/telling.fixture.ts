import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { chatConfig, openChat } from '@parley/chat'
import { type Browser, openPushService, type PushService } from '@parley/infra/push-service'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { reader } from '@parley/kit/config'
import { listen } from '@parley/kit/http'
import { makeKeys, readKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import type { Preferences, Why } from '@parley/protocol/notification'
import { openUser, userConfig } from '@parley/user'
import { openUnsubscribe } from './mail/unsubscribe.ts'
import type { MailPace } from './mail.ts'
import { notificationConfig, openNotification } from './open.ts'
import type { NewDelivery, Told } from './store/deliveries.ts'
import { sqliteStore } from './store/sqlite.ts'

/** Someone who uses Parley over HTTP. */
export interface Person {
  id: string
  name: string
  token: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a body by comparing it
  ask(method: string, path: string, body?: object): Promise<{ status: number; body: any }>
  /** Registers a browser for pushes. */
  browser(name?: string): Promise<Browser & { deviceId: string }>
  /** Sends to a person or a group; gives where it stands. */
  say(to: string, message: string, more?: object): Promise<{ conversationId: string; seq: number }>
  /** As soon as it is decided. */
  why(conversationId: string, seq: number): Promise<Why>
}

/** All three services in this process, on SQLite files and the embedded bus, and a push service beside them. */
export interface Parley {
  push: PushService
  url: string
  person(name: string): Promise<Person>
  /** Path and query of the link that ends that user's digests. */
  unsubscribe(userId: string): Promise<string>
  /** What the store has of that user. */
  preferencesOf(userId: string): Promise<Preferences | undefined>
  ledgerOf(userId: string): Promise<Told[]>
  /** Adds to the ledger. */
  plan(deliveries: readonly NewDelivery[]): Promise<void>
  /** What a list on the internal port has for who holds the key. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a body by comparing it
  internal(path: string): Promise<any[]>
  /** Ends the services, and starts them again on what they have stored. */
  restart(env?: Record<string, string>): Promise<void>
}

export async function openParley(
  t: TestContext,
  env: Record<string, string> = {},
  mailPace?: MailPace,
): Promise<Parley> {
  const push = await openPushService(t)
  const folder = mkdtempSync(join(tmpdir(), 'parley-telling-'))
  const log = openLog('test', process.env.LOG_LEVEL ?? 'silent')
  let running = new AsyncDisposableStack()
  let url = ''
  let internalUrl = ''

  async function start(more: Record<string, string> = {}): Promise<void> {
    const settings = { PARLEY_DATA: folder, PARLEY_BCRYPT_COST: '4', PUSH_HOSTS: push.host, PUSH_GRACE_MS: '1' }
    const read = reader({ ...settings, ...env, ...more })
    const [user, chat, notification] = [userConfig(read), chatConfig(read), notificationConfig(read)]
    read.throwIfInvalid()
    notification.push.retryMs = { first: 20, most: 50 }
    if (mailPace) notification.mailPace = mailPace
    makeKeys(user.keyFile)
    await using stack = new AsyncDisposableStack()
    const http = stack.use(await listen({ host: '127.0.0.1', port: 0, internalPort: 0, log }))
    const bus = stack.use(embeddedBus({ log }))
    const users = stack.use(await openUser(user, bus, http, log)).directory
    const chats = stack.use(await openChat(chat, bus, http, users, log)).directory
    stack.use(await openNotification(notification, bus, http, { users, chat: chats }, log))
    url = `http://127.0.0.1:${http.port}`
    internalUrl = `http://127.0.0.1:${http.internalPort}`
    running = stack.move()
  }

  await start()
  t.after(async () => {
    await running.disposeAsync()
    rmSync(folder, { recursive: true })
  })

  async function ask(token: string, method: string, path: string, body?: object) {
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    const text = await reply.text()
    return { status: reply.status, body: text ? JSON.parse(text) : undefined }
  }

  return {
    push,
    get url() {
      return url
    },
    async person(name) {
      const account = { username: name, email: `${name}@example.org`, password: 'correct horse battery' }
      const { body: registered } = await ask('', 'POST', '/api/user/register', account)
      const { body: session } = await ask('', 'POST', '/api/user/login', { ...account, tokens: 'body' })
      const asks: Person['ask'] = (method, path, body) => ask(session.token, method, path, body)
      return {
        id: registered.user.id,
        name,
        token: session.token,
        ask: asks,
        async browser(device = 'Firefox on Linux') {
          const { body: key } = await asks('GET', '/api/notifications/push-key')
          const browser = push.subscribe(key.publicKey)
          const { status, body } = await asks('POST', '/api/devices', { ...browser.subscription, name: device })
          if (status !== 201) throw new Error(JSON.stringify(body))
          return { ...browser, deviceId: body.id }
        },
        async say(receiverId, message, more = {}) {
          const { status, body } = await asks('POST', '/api/messages/send', { receiverId, message, ...more })
          if (status !== 201) throw new Error(JSON.stringify(body))
          return body
        },
        async why(conversationId, seq) {
          const deadline = Date.now() + 10_000
          for (;;) {
            const { body } = await asks('GET', `/api/notifications/why?conversationId=${conversationId}&seq=${seq}`)
            if (body.outcome && body.outcome !== 'waiting') return body
            if (Date.now() > deadline) throw new Error(`not decided within 10 s: ${JSON.stringify(body)}`)
            await new Promise((resolve) => setTimeout(resolve, 10))
          }
        },
      }
    },
    async unsubscribe(userId) {
      const { internal: key } = readKeys(join(folder, 'keys.json'), ['internal'])
      const nobody = { find: async () => [] }
      await using store = sqliteStore(join(folder, 'notification.db'))
      const { preferences } = store
      return openUnsubscribe({ key, origin: '', preferences, users: nobody }).link(userId, 'digest')
    },
    async preferencesOf(userId) {
      await using store = sqliteStore(join(folder, 'notification.db'))
      return (await store.preferences.find([userId])).get(userId)
    },
    async ledgerOf(userId) {
      await using store = sqliteStore(join(folder, 'notification.db'))
      return store.deliveries.ofUser(userId, 100)
    },
    async plan(deliveries) {
      await using store = sqliteStore(join(folder, 'notification.db'))
      await store.deliveries.plan(deliveries)
    },
    async internal(path) {
      const { internal: key } = readKeys(join(folder, 'keys.json'), ['internal'])
      const headers = { authorization: `Bearer ${key.toString('base64url')}` }
      return ((await (await fetch(internalUrl + path, { headers })).json()) as { items: unknown[] }).items
    },
    async restart(more) {
      await running.disposeAsync()
      await start(more)
    },
  }
}
