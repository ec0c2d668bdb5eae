import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Profiling, profile } from './profile.ts'

/** A server process on a core of its own, and what it costs. */
export interface Served extends AsyncDisposable {
  readonly url: string
  /** User plus system time of the process and its threads so far, in microseconds. */
  cpuMicros(): number
  /** Resident memory in bytes. */
  rss(): number
  /** Begins to profile it; only where it was served with an inspector. */
  profile(): Promise<Profiling>
  kill(): Promise<void>
}

/** The core that servers run on; the generator keeps to the other, where there are two. */
const SERVER_CORE = '0'
const READY_MS = 20_000

/** Starts a script of this project, on a free port if none is given, and waits until its `/readyz` answers. */
export async function serve(
  script: string,
  env: Record<string, string>,
  { port, inspect = false }: { port?: number; inspect?: boolean } = {},
): Promise<Served> {
  const own = port ?? (await freePort())
  const inspector = inspect ? await freePort() : undefined
  const flags = inspector === undefined ? [] : [`--inspect=127.0.0.1:${inspector}`, '--inspect-publish-uid=http']
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url))
  const child = spawn('taskset', ['-c', SERVER_CORE, process.execPath, ...flags, path], {
    env: { ...process.env, PORT: String(own), LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${own}`
  await ready(url, child)
  // `taskset` becomes the server: one process, whose id is the child's.
  const pid = child.pid!
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    url,
    cpuMicros: () => cpuMicros(pid),
    rss: () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024,
    profile: () => (inspector === undefined ? Promise.reject(new Error('no inspector')) : profile(inspector)),
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  }
}

/** Keeps the generator off the servers' core. */
export function leaveServerCore(): void {
  const tasks = readdirSync('/proc/self/task')
  for (const task of tasks) spawn('taskset', ['-cp', '1', task], { stdio: 'ignore' })
}

/** Clock ticks of the whole process (its threads included), at 100 a second on Linux. */
function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + READY_MS
  while (Date.now() < until && child.exitCode === null) {
    const ok = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error(`${url} was not ready within ${READY_MS} ms`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
