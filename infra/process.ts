import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { tether } from './tether.ts'
import { until } from './until.ts'

/** A program to run: its output is appended to the file `log`. */
export interface Command {
  file: string
  args: string[]
  env: Record<string, string>
  cwd?: string
  log: string
}

/** A running program. It has a process group of its own, so that Ctrl-C reaches us and not it, and it never outlives this process. */
export interface Running {
  readonly pid: number
  /** Resolves when it has ended, with how. */
  readonly exited: Promise<string>
  /** How it ended, or `undefined` while it runs. */
  ended(): string | undefined
}

/** Starts it; rejects if it cannot be run at all. */
export async function run(command: Command): Promise<Running> {
  mkdirSync(dirname(command.log), { recursive: true })
  const log = openSync(command.log, 'a')
  const child = spawn(command.file, command.args, {
    env: command.env,
    stdio: ['ignore', log, log],
    detached: true,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  })
  closeSync(log)
  const pid = await started(child)
  tether(pid)
  let end: string | undefined
  const exited = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => {
      end = signal ?? `exit code ${code}`
      resolve(end)
    }),
  )
  return { pid, exited, ended: () => end }
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve(child.pid!))
  })
}

/** Sends a signal to a process and to all that descend from it; those already gone are no error. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  // The parent first: it must not replace the children that are about to go.
  for (const each of [pid, ...descendants(pid)]) send(each, signal)
}

/**
 * Freezes a process and all that descend from it, and returns when nothing of them runs any more. SIGSTOP itself says nothing of when: one thread
 * has to come to run to obey it for all, and where processes are short of time the others go on working until then. Blocks; throws after 10 s.
 */
export function freezeTree(pid: number): void {
  signalTree(pid, 'SIGSTOP')
  for (const end = performance.now() + 10_000; ; Atomics.wait(PAUSE, 0, 0, 1)) {
    const running = [pid, ...descendants(pid)].filter((each) => !standsStill(each))
    if (running.length === 0) return
    if (performance.now() > end) throw new Error(`The processes ${running.join(', ')} do not stand still`)
    // What was started before its parent stopped has not been told.
    for (const each of running) send(each, 'SIGSTOP')
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4))

/** Each of its threads is stopped, or has ended. */
function standsStill(pid: number): boolean {
  return numbersIn(`/proc/${pid}/task`).every((thread) => {
    const state = readStat(pid, `/task/${thread}`)?.state
    return state === undefined || 'TtZX'.includes(state)
  })
}

/** Kills a process and its descendants with SIGKILL, and waits until none is left. */
export async function killTree(pid: number): Promise<void> {
  const all = new Set<number>()
  // Stopped first, until no more turn up: what one of them starts in the meantime would be left behind.
  for (let known = -1; known < all.size; ) {
    known = all.size
    for (const each of [pid, ...descendants(pid)]) {
      if (!all.has(each)) send(each, 'SIGSTOP')
      all.add(each)
    }
  }
  for (const each of all) send(each, 'SIGKILL')
  await until(`the end of the processes ${[...all].join(', ')}`, 10_000, () => ![...all].some(isAlive))
}

/** Whether the process runs; one that has ended and only waits to be noticed by its parent does not. */
export function isAlive(pid: number): boolean {
  const stat = readStat(pid)
  if (stat) return stat.state !== 'Z' && stat.state !== 'X'
  if (process.platform === 'linux') return false
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** When the process started, in the kernel's ticks: tells it from a later one with the same id. `undefined` when it is gone (or there is no /proc). */
export const startTime = (pid: number): string | undefined => readStat(pid)?.startTime

/** The words that the process was started with; empty when it is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Sends a signal; a process already gone is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Children, their children and so on, by /proc; none where there is no /proc. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of numbersIn('/proc')) {
    const parent = readStat(pid)?.parent
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found: number[] = []
  for (let next = children.get(root) ?? []; next.length > 0; next = next.flatMap((pid) => children.get(pid) ?? [])) {
    found.push(...next)
  }
  return found
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function readStat(pid: number, thread = ''): { state: string; parent: number; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}${thread}/stat`, 'utf8')
    // The name, in brackets, may hold anything; what follows it does not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, parent: Number(fields[1]), startTime: fields[19]! }
  } catch {
    return undefined
  }
}
