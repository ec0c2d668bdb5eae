import { readFileSync } from 'node:fs'
import { type Command, freezeTree, killTree, type Running, run, send, signalTree } from './process.ts'
import { Hopeless, until } from './until.ts'

/** A real server for tests, which may be killed, frozen and started again: same address, same data. */
export interface Server extends AsyncDisposable {
  readonly name: string
  /** What it is, for people: `RabbitMQ`, `DocumentDB 1.0 on PostgreSQL 18`. */
  readonly kind: string
  readonly url: string
  /** Where metrics and internal routes are; none unless it is one of our own processes. */
  readonly internalUrl?: string
  alive(): boolean
  /** Its process (of several, the one that holds the data); another after each start. Throws while it is down. */
  pid(): number
  /** Resolves when it answers; rejects with the end of its log when it ends first. `env` adds to (and replaces) that of its last process, this time only. */
  start(env?: Record<string, string>): Promise<void>
  /** Asks it to end and waits; after 15 s it is killed. */
  stop(): Promise<void>
  /** SIGKILL to all of it; resolves when nothing of it is left. */
  kill(): Promise<void>
  /** SIGSTOP to all of it, which stands still when this returns (a container a moment later); and SIGCONT. */
  freeze(): void
  resume(): void
  /** Resolves with how it ended, once its present process ends. */
  exited(): Promise<string>
  /** What its processes have written, the last MB of each. */
  logs(): string
}

/** One process of a server. */
export interface Part {
  command: Command
  /** Whether it answers; asked until it does. A rejection counts as "not yet". */
  ready: () => Promise<boolean>
  readyWithinMs: number
  /** How it is asked to end: SIGTERM unless given. */
  stopSignal?: NodeJS.Signals
  /** For what does not run as our child (a container): its process id, and how signals reach it. */
  pid?: () => number
  signal?: (signal: NodeJS.Signals) => void
}

/** A server made of processes that are started in order and stopped in reverse; the last is the one that is asked for, `holder` the one that holds the data. */
export function server(is: {
  name: string
  kind: string
  url: string
  internalUrl?: string
  parts: Part[]
  holder: number
}): Server {
  const running: (Running | undefined)[] = is.parts.map(() => undefined)

  function signal(index: number, name: NodeJS.Signals): void {
    const own = is.parts[index]!.signal
    const process = running[index]
    if (own) own(name)
    else if (process && process.ended() === undefined) signalTree(process.pid, name)
  }

  function freezePart(index: number): void {
    const process = running[index]
    if (is.parts[index]!.signal) signal(index, 'SIGSTOP')
    else if (process && process.ended() === undefined) freezeTree(process.pid)
  }

  async function stopPart(index: number): Promise<void> {
    const process = running[index]
    if (!process) return
    signal(index, 'SIGCONT')
    if (process.ended() === undefined) {
      // To the process alone: each server winds its own children down.
      const own = is.parts[index]!.signal
      const asked = is.parts[index]!.stopSignal ?? 'SIGTERM'
      if (own) own(asked)
      else send(process.pid, asked)
      const timer = setTimeout(() => void killPart(index), 15_000)
      await process.exited
      clearTimeout(timer)
    }
    running[index] = undefined
  }

  async function killPart(index: number): Promise<void> {
    const process = running[index]
    if (!process) return
    is.parts[index]!.signal?.('SIGKILL')
    // The tree even if its head has ended: that is what a crash leaves.
    await killTree(process.pid)
    await process.exited
    running[index] = undefined
  }

  const self: Server = {
    name: is.name,
    kind: is.kind,
    url: is.url,
    ...(is.internalUrl === undefined ? {} : { internalUrl: is.internalUrl }),
    alive() {
      const process = running[is.holder]
      return process !== undefined && process.ended() === undefined
    },
    pid() {
      if (!self.alive()) throw new Error(`${is.name} is not running`)
      return is.parts[is.holder]!.pid?.() ?? running[is.holder]!.pid
    },
    async start(env = {}) {
      for (const [index, part] of is.parts.entries()) {
        const last = index === is.parts.length - 1
        if (running[index]?.ended() !== undefined) await killPart(index)
        if (running[index]) throw new Error(`${is.name} is already running`)
        const process = await run({ ...part.command, env: { ...part.command.env, ...(last ? env : {}) } })
        running[index] = process
        await until(`${is.name} to be ready`, part.readyWithinMs, async () => {
          const end = process.ended()
          if (end !== undefined) throw new Hopeless(`${is.name} ended (${end}):\n${tail(part.command.log, 3_000)}`)
          return part.ready()
        }).catch(async (error: Error) => {
          await self.kill()
          if (error instanceof Hopeless) throw error
          const { cause } = error
          const last = cause instanceof Error ? `\nThe last time: ${cause.message}` : ''
          throw new Error(`${error.message}${last}\n${tail(part.command.log, 3_000)}`, { cause })
        })
      }
    },
    async stop() {
      for (let index = running.length - 1; index >= 0; index--) await stopPart(index)
    },
    async kill() {
      await Promise.all(running.map((_, index) => killPart(index)))
    },
    freeze: () => running.forEach((_, index) => void freezePart(index)),
    resume: () => running.forEach((_, index) => void signal(index, 'SIGCONT')),
    exited() {
      const process = running[is.holder]
      return process ? process.exited : Promise.reject(new Error(`${is.name} is not running`))
    },
    logs: () => is.parts.map((part) => tail(part.command.log, 1_000_000)).join(''),
    [Symbol.asyncDispose]: () => self.stop(),
  }
  return self
}

function tail(path: string, bytes: number): string {
  try {
    return readFileSync(path).subarray(-bytes).toString('utf8')
  } catch {
    return ''
  }
}
