import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { bareEnv } from './settings.ts'

let reaper: Writable | undefined

/**
 * Ties a process to this one: however this one ends (SIGKILL included), the other and its descendants are killed. A small process does that, which
 * waits for the end of its standard input.
 */
export function tether(pid: number): void {
  reaper ??= startReaper()
  reaper.write(`${pid}\n`)
}

function startReaper(): Writable {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'reaper.ts')], {
    env: bareEnv,
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  child.unref()
  // A write to a reaper that was killed by hand must not end the tests.
  child.stdin.on('error', () => {})
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  return child.stdin
}
