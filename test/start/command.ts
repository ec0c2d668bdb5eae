import { spawn } from 'node:child_process'
import { commandLine, descendants, isAlive } from '@parley/infra/process'
import { tether } from '@parley/infra/tether'
import { until } from '@parley/infra/until'

/** A command of the project as someone types it: a process group of its own. */
export interface Command extends AsyncDisposable {
  /** Standard output and standard error so far. */
  output(): string
  /** Resolves with the output once it matches; rejects when the command ends before, or after `withinMs`. */
  said(text: RegExp, withinMs: number): Promise<string>
  /** The exit code once it has ended, `null` after a signal; rejects after `withinMs`. */
  ended(withinMs: number): Promise<number | null>
  /** Sends a signal to the command alone, as `kill` does. */
  tell(signal: NodeJS.Signals): void
  /** SIGKILL to the whole group; resolves when nothing of it is left. */
  kill(): Promise<void>
  /** Whether any process of the group is left. */
  anythingLeft(): boolean
  /** The process below it that runs that program. */
  pidOf(program: string): number
}

/** Of what surrounds the tests only what a fresh shell has too: nothing that npm or the test runner say to their children. */
export function shellEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const apart =
    /^(npm_(package|lifecycle|node|execpath|command|config_local|config_global|config_noproxy)|INIT_CWD$|NODE_(TEST|OPTIONS|ENV)|PORT$|HOST$|INTERNAL_PORT$|LOG_LEVEL$|PARLEY_|MONGODB_|RABBITMQ_)/
  const kept = Object.entries(env).filter(([name]) => !apart.test(name))
  const path = (env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'))
  return { ...Object.fromEntries(kept), PATH: path.join(':') }
}

/** Starts it. */
export function run(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Command {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const group = child.pid
  if (group === undefined) throw new Error(`${file} cannot be run`)
  tether(group)
  let output = ''
  let code: number | null | undefined
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  child.on('close', (exit) => {
    code = exit
  })
  const anythingLeft = (): boolean => {
    try {
      process.kill(-group, 0)
      return true
    } catch {
      return false
    }
  }
  const command: Command = {
    output: () => output,
    async said(text, withinMs) {
      await until(`${text} to be said; said: ${output}`, withinMs, () => text.test(output) || code !== undefined)
      if (text.test(output)) return output
      throw new Error(`It ended (${code}) and had said: ${output}`)
    },
    ended: async (withinMs) => (await until('the end', withinMs, () => code !== undefined && { code })).code ?? null,
    tell: (signal) => void child.kill(signal),
    async kill() {
      if (anythingLeft()) process.kill(-group, 'SIGKILL')
      await until('the whole group to be gone', 10_000, () => !anythingLeft())
    },
    anythingLeft,
    pidOf(program) {
      const pid = descendants(group).find(
        (each) => isAlive(each) && commandLine(each).split(' ').at(-1)?.endsWith(program),
      )
      if (pid === undefined) throw new Error(`${program} does not run below ${file}`)
      return pid
    },
    [Symbol.asyncDispose]: () => command.kill(),
  }
  return command
}
