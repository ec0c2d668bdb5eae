import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { tryLock } from './lock.ts'
import { mongodb } from './mongodb.ts'
import { localNginx } from './nginx.ts'
import { type Answer, type Facts, keeperLock, keeperSocket, type Question } from './question.ts'
import { type RabbitMQ, rabbitmq } from './rabbitmq.ts'
import type { Server } from './server.ts'
import { settings } from './settings.ts'

/** How long the servers outlive their last user, so that one test file after another finds them running. */
const IDLE_MS = 60_000

/**
 * Owns the shared servers: starts each when first asked for, and stops them all, and itself, once nobody is connected (a connection is a lease: the
 * kernel ends it with its process). At most one per folder. Resolves when everything is stopped; at once if another keeper is there.
 */
export async function keep(): Promise<void> {
  const folder = settings.folder
  using mine = tryLock(keeperLock(folder))
  if (!mine) return
  const socketPath = keeperSocket(folder)
  rmSync(socketPath, { force: true })
  // Nothing in there is worth keeping: tests make what they need.
  for (const name of ['rabbitmq', 'mongodb', 'nginx']) rmSync(join(folder, name), { recursive: true, force: true })

  const servers = new Map<string, Promise<Server>>()
  const vhosts = vhostSupply()
  const users = new Set<Socket>()
  let held = false
  let idleMs = IDLE_MS
  let idle: NodeJS.Timeout | undefined
  const over = Promise.withResolvers<void>()

  /** Starts it when asked for the first time; one that failed or has ended is started anew at the next question. */
  async function use<S extends Server>(name: string, open: (dir: string) => Promise<S>): Promise<S> {
    const known = servers.get(name)
    if (known) return (await known) as S
    const opening = open(join(folder, name)).then(async (server) => {
      await server.start()
      void server.exited().then(() => {
        servers.delete(name)
        // What is left of one that died, such as RabbitMQ's name daemon.
        server.kill().catch(console.error)
      })
      return server
    })
    servers.set(name, opening)
    opening.catch(() => servers.delete(name))
    return opening
  }
  const useRabbitmq = (): Promise<RabbitMQ> => use('rabbitmq', rabbitmq)

  async function answer(question: Question): Promise<Answer> {
    switch (question) {
      case 'rabbitmq':
        return facts(await useRabbitmq())
      case 'rabbitmq.vhost': {
        const server = await useRabbitmq()
        return { ...facts(server), url: `${server.url}/${await vhosts(server)}` }
      }
      case 'mongodb':
        return facts(await use('mongodb', (dir) => mongodb(dir, console.error)))
      case 'nginx':
        return facts(await use('nginx', localNginx))
      case 'status': {
        const all = await Promise.all(servers.values())
        return { lines: all.map((s) => `${s.name}: ${s.kind} at ${s.url}, process ${s.pid()}`) }
      }
      case 'hold':
        held = true
        return {}
      case 'leave':
        idleMs = 0
        return {}
      case 'stop':
        over.resolve()
        return {}
      default:
        return { error: `unknown question ${question satisfies never}` }
    }
  }

  function serve(socket: Socket): void {
    users.add(socket)
    clearTimeout(idle)
    socket.on('error', () => {})
    socket.on('close', () => {
      users.delete(socket)
      if (users.size === 0 && !held) idle = setTimeout(over.resolve, idleMs).unref()
    })
    createInterface({ input: socket }).on('line', async (line) => {
      const { id, question } = JSON.parse(line)
      const reply = await answer(question).catch((error: Error) => ({ error: error.message }))
      socket.write(`${JSON.stringify({ id, answer: reply })}\n`)
    })
  }

  const listener = createServer(serve).listen(socketPath)
  idle = setTimeout(over.resolve, IDLE_MS).unref()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, over.resolve)
  await over.promise
  clearTimeout(idle)
  listener.close()
  const opened = await Promise.allSettled(servers.values())
  await Promise.allSettled(opened.map((each) => each.status === 'fulfilled' && each.value.stop()))
  for (const user of users) user.end()
}

const facts = (server: Server): Facts => ({ url: server.url, kind: server.kind, pid: server.pid() })

/** Fresh virtual hosts, made eight at a time, since most of the cost is the call. */
function vhostSupply(): (server: RabbitMQ) => Promise<string> {
  let ready: string[] = []
  let owner: RabbitMQ | undefined
  let last: Promise<unknown> = Promise.resolve()
  return (server) => {
    const mine = last.then(async () => {
      if (owner !== server) ready = []
      owner = server
      if (ready.length === 0) {
        const names = Array.from({ length: 8 }, () => `test-${randomBytes(6).toString('hex')}`)
        await server.addVhosts(names)
        ready = names
      }
      return ready.pop()!
    })
    last = mine.catch(() => {})
    return mine
  }
}
