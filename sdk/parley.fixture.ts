import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { chatConfig, openChat } from '@parley/chat'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { reader } from '@parley/kit/config'
import { listen } from '@parley/kit/http'
import { makeKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { notificationConfig, openNotification } from '@parley/notification'
import type { ChatDirectory } from '@parley/protocol/standing'
import { openUser, userConfig } from '@parley/user'
import { createClient } from './client.ts'
import { memoryStorage } from './memory.ts'
import type { ClientOptions, ParleyClient } from './types.ts'

/** A whole Parley in this process, on SQLite files and the embedded bus, that can be stopped and started again. */
export interface Parley {
  /** Where clients connect: a proxy, so that the address stays and connections can be cut. */
  readonly url: string
  /** `more` adds to `env` this time only. */
  start(more?: Record<string, string>): Promise<void>
  stop(): Promise<void>
  /** Resets every connection. */
  cut(): void
  /** Loses the next packet of the server that has this text in it, and the connection with it. Resolves when it happened. */
  lose(text: string): Promise<void>
  /** Accepts connections, or refuses them. */
  reachable(yes: boolean): void
  /** What the chat service says to its siblings. */
  readonly chat: ChatDirectory
}

/** Opens one for a test; `env` as for the real process. With `PUSH_HOSTS` in it people are also told of what they miss. */
export async function openParley(t: TestContext, env: Record<string, string> = {}): Promise<Parley> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-sdk-'))
  const log = openLog('test', 'silent')
  let running: AsyncDisposableStack | undefined
  let port = 0
  let open = true
  let losing: { text: string; done(): void } | undefined
  const sockets = new Set<Socket>()
  let chats: ChatDirectory | undefined
  const proxy = createServer((near) => {
    if (!open || port === 0) return near.resetAndDestroy()
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('data', (data) => {
        if (from === far && losing && data.includes(losing.text)) {
          losing.done()
          losing = undefined
          near.resetAndDestroy()
        } else to.write(data)
      })
      from.on('end', () => to.end())
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))

  const parley: Parley = {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    get chat() {
      return chats!
    },
    async start(more = {}) {
      const read = reader({ PARLEY_DATA: folder, PARLEY_BCRYPT_COST: '4', ...env, ...more })
      const [user, chat, notification] = [userConfig(read), chatConfig(read), notificationConfig(read)]
      read.throwIfInvalid()
      makeKeys(user.keyFile)
      await using stack = new AsyncDisposableStack()
      const http = stack.use(await listen({ host: '127.0.0.1', port: 0, log }))
      const tells = env.PUSH_HOSTS !== undefined
      // Whom something is told to, no test here asks without.
      const bus = stack.use(aloneBus({ log, left: (name) => tells || !name.startsWith('notification.') }))
      const { directory } = stack.use(await openUser(user, bus, http, log))
      chats = stack.use(await openChat(chat, bus, http, directory, log)).directory
      if (tells) stack.use(await openNotification(notification, bus, http, { users: directory, chat: chats }, log))
      running = stack.move()
      port = http.port
    },
    async stop() {
      port = 0
      const stopping = running?.disposeAsync()
      running = undefined
      for (const socket of sockets) socket.destroy()
      await stopping
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    lose: (text) =>
      new Promise((done) => {
        losing = { text, done }
      }),
    reachable(yes) {
      open = yes
      if (!yes) parley.cut()
    },
  }
  await parley.start()
  t.after(async () => {
    await parley.stop()
    await new Promise((resolve) => proxy.close(resolve))
    await rm(folder, { recursive: true })
  })
  return parley
}

export const PASSWORD = 'correct horse battery'

/** A registered user's name and address. */
export interface Person {
  username: string
  email: string
}

export async function register(t: TestContext, { url }: Parley, username: string): Promise<Person & { id: string }> {
  const client = createClient({ url, storage: memoryStorage() })
  t.after(() => client.close())
  const email = `${username}@example.org`
  const { id } = await client.register({ username, email, password: PASSWORD })
  return { username, email, id }
}

/** A device, not signed in and not connected; closed with the test. */
export function device(t: TestContext, { url }: Parley, options: ClientOptions = {}): ParleyClient {
  const client = createClient({ url, storage: memoryStorage(), tokens: 'body', ...options })
  t.after(() => client.close())
  return client
}

/** A device of a person, signed in, connected and live. */
export async function signIn(
  t: TestContext,
  parley: Parley,
  { email }: Person,
  options?: ClientOptions,
): Promise<ParleyClient> {
  const client = device(t, parley, options)
  await client.login({ email, password: PASSWORD })
  client.connect()
  await settled(client)
  return client
}

export const settled = (client: ParleyClient): Promise<void> => client.settled(AbortSignal.timeout(20_000))

/** Resolves when `holds` does, looked at again whenever the client or `also` changes; rejects after 20 s with `what`. */
export async function until(
  client: ParleyClient,
  what: string,
  holds: () => boolean,
  ...also: { subscribe(listener: () => void): () => void }[]
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const check = (): void => {
    if (holds()) done.resolve()
  }
  const values = [client.session, client.connection, client.conversations, client.outbox, client.presence, ...also]
  const stops = values.map((value) => value.subscribe(check))
  stops.push(client.on('typing', check), client.on('receipt', check), client.on('message', check))
  const late = setTimeout(() => done.reject(new Error(`not within 20 s: ${what}`)), 20_000)
  check()
  await done.promise.finally(() => {
    clearTimeout(late)
    for (const stop of stops) stop()
  })
}

/** What a device shows of a conversation, all of it. */
export async function texts(client: ParleyClient, conversationId: string): Promise<string[]> {
  const timeline = client.timeline(conversationId)
  await timeline.open()
  while (timeline.get().hasOlder) await timeline.loadOlder()
  return timeline.get().messages.map(({ text }) => text)
}
