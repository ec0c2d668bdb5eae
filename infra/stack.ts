import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeKeys } from '@parley/kit/keys'
import { infra } from './infra.ts'
import { mongodb } from './mongodb.ts'
import { nginx } from './nginx.ts'
import { type Node, node } from './node.ts'
import { freePort } from './ports.ts'
import { rabbitmq } from './rabbitmq.ts'
import type { Server } from './server.ts'

export type Shape = 'all-in-one' | 'scale-out'

export interface StackOptions {
  shape: Shape
  /** How many chat nodes a scale-out has; 2 unless given. */
  chatNodes?: number
  /** How many notification services a scale-out has; 2 unless given. They capture mail unless `env` names a mail server. */
  notificationNodes?: number
  /** Where data, keys and logs go, and stay. A temporary folder that is removed at the end unless given. */
  dataDir?: string
  /** More settings for each of our processes. */
  env?: Record<string, string>
  /** What pages may speak to beside Parley, which Nginx says in a scale-out; nothing unless given. */
  pageSources?: readonly string[]
  /** RabbitMQ and MongoDB for this stack alone, which may be killed; else it shares those of the run, in a fresh virtual host and databases. */
  ownServers?: boolean
  /** Other servers that run, and can be killed, frozen and started by their names as those of the stack. Disposing kills them too. */
  beside?: readonly Server[]
}

/** A whole Parley as real processes, each of which may be killed, frozen and started again. Disposing kills all of it; so does the end of this process. */
export interface Stack extends AsyncDisposable {
  readonly shape: Shape
  /** Where clients connect: Nginx in a scale-out, the process itself otherwise. */
  readonly url: string
  /** What can be killed: `parley`, or `user`, `chat-1`, `chat-2`, `notification-1`, `notification-2`, `nginx`, as own servers `rabbitmq` and `mongodb`, and those `beside`. The other functions take these names and throw on another. */
  names(): string[]
  /** The process id; throws while it is down. */
  pid(name: string): number
  alive(name: string): boolean
  /** The address of one process, past Nginx. */
  urlOf(name: string): string
  /** The internal port's address of one of our processes: metrics and internal routes. */
  internalUrl(name: string): string
  /** SIGKILL; resolves when nothing of it is left. Killing what is down changes nothing. */
  kill(name: string): Promise<void>
  /** SIGTERM; resolves when it has ended. */
  stop(name: string): Promise<void>
  /** Starts it again on the same ports and data; resolves when it is ready, rejects with its log if it ends instead. `env` adds to its settings this time only. */
  start(name: string, env?: Record<string, string>): Promise<void>
  /** SIGSTOP and SIGCONT. */
  freeze(name: string): void
  resume(name: string): void
  /** Resolves with how it ended, once its present process ends. */
  exited(name: string): Promise<string>
  /** What it has written since the stack was made, the last MB. */
  logs(name: string): string
}

/** Starts a stack; resolves when every process is ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'parley-stack-'))
  mkdirSync(dir, { recursive: true })
  const remove = () => options.dataDir === undefined && rmSync(dir, { recursive: true, force: true })
  const servers: Server[] = [...(options.beside ?? [])]
  const dispose = async () => {
    await Promise.all(servers.map((server) => server.kill()))
    remove()
  }
  try {
    const url =
      options.shape === 'all-in-one' ? await allInOne(dir, options, servers) : await scaleOut(dir, options, servers)
    return stackOf(options.shape, url, servers, dispose)
  } catch (error) {
    await dispose()
    throw error
  }
}

async function allInOne(dir: string, options: StackOptions, servers: Server[]): Promise<string> {
  const parley = await node('parley', 'main.ts', dir, { ...options.env, PARLEY_DATA: join(dir, 'data') })
  servers.push(parley)
  await parley.start()
  return parley.url
}

async function scaleOut(dir: string, options: StackOptions, servers: Server[]): Promise<string> {
  const keyFile = join(dir, 'keys.json')
  makeKeys(keyFile)
  const outside = options.ownServers ? await ownServers(dir, servers) : await sharedServers()
  const listen = await freePort()
  const settings = {
    ...options.env,
    PARLEY_KEY_FILE: keyFile,
    PARLEY_ORIGINS: `http://127.0.0.1:${listen}`,
    RABBITMQ_URL: outside.rabbitmq,
  }
  const user = await node('user', 'services/user/main.ts', dir, {
    ...settings,
    MONGODB_URL: database(outside.mongodb, 'user'),
  })
  const chats: Node[] = []
  for (let i = 1; i <= (options.chatNodes ?? 2); i++) {
    chats.push(
      await node(`chat-${i}`, 'services/chat/main.ts', dir, {
        ...settings,
        MONGODB_URL: database(outside.mongodb, 'chat'),
        USER_SERVICE_URL: user.internalUrl,
      }),
    )
  }
  const notifications: Node[] = []
  for (let i = 1; i <= (options.notificationNodes ?? 2); i++) {
    notifications.push(
      await node(`notification-${i}`, 'services/notification/main.ts', dir, {
        ...(options.env?.SMTP_URL === undefined && { MAIL_CAPTURE: '1' }),
        ...settings,
        MONGODB_URL: database(outside.mongodb, 'notification'),
        USER_SERVICE_URL: user.internalUrl,
        CHAT_SERVICE_URLS: chats.map((chat) => chat.internalUrl).join(),
      }),
    )
  }
  const front = await nginx(join(dir, 'nginx'), {
    listen,
    user: user.port,
    chat: chats.map((chat) => chat.port),
    notification: notifications.map((each) => each.port),
    ...(options.pageSources && { pageSources: options.pageSources }),
  })
  const ours = [user, ...chats, ...notifications, front]
  servers.unshift(...ours)
  await Promise.all(ours.map((server) => server.start()))
  return front.url
}

async function sharedServers(): Promise<{ rabbitmq: string; mongodb: string }> {
  const [rabbit, mongo] = await Promise.all([infra.rabbitmq(), infra.mongodb()])
  return { rabbitmq: rabbit, mongodb: mongo }
}

async function ownServers(dir: string, servers: Server[]): Promise<{ rabbitmq: string; mongodb: string }> {
  const broker = await rabbitmq(join(dir, 'rabbitmq'))
  const mongo = await mongodb(join(dir, 'mongodb'), console.error)
  servers.push(broker, mongo)
  await Promise.all([broker.start(), mongo.start()])
  return { rabbitmq: broker.url, mongodb: mongo.url }
}

/** Each service has a database of its own. */
function database(url: string, service: string): string {
  const own = new URL(url)
  own.pathname = `${own.pathname === '/' ? '/parley' : own.pathname}_${service}`
  return own.href
}

function stackOf(shape: Shape, url: string, servers: Server[], dispose: () => Promise<void>): Stack {
  function the(name: string): Server {
    const found = servers.find((server) => server.name === name)
    if (!found) throw new Error(`There is no ${name} in this stack: ${servers.map((s) => s.name).join(', ')}`)
    return found
  }
  return {
    shape,
    url,
    names: () => servers.map((server) => server.name),
    pid: (name) => the(name).pid(),
    alive: (name) => the(name).alive(),
    urlOf: (name) => the(name).url,
    internalUrl(name) {
      const { internalUrl } = the(name)
      if (internalUrl === undefined) throw new Error(`${name} has no internal port`)
      return internalUrl
    },
    kill: (name) => the(name).kill(),
    stop: (name) => the(name).stop(),
    start: (name, env) => the(name).start(env),
    freeze: (name) => the(name).freeze(),
    resume: (name) => the(name).resume(),
    exited: (name) => the(name).exited(),
    logs: (name) => the(name).logs(),
    [Symbol.asyncDispose]: dispose,
  }
}
