import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { hashOf, newId, until } from '../contract/world.ts'
import type { Act, Outcome, Part } from './actor.fixture.ts'

/** Another process with a part to play. */
export interface Actor {
  go(): void
  /** The outcomes it told of before it ended, and the signal that ended it. */
  ended: Promise<{ outcomes: Outcome[]; signal: NodeJS.Signals | null }>
  /** Resolves when it has stopped itself. */
  frozen(): Promise<void>
  kill(signal: NodeJS.Signals): void
}

/** Starts a process, connected and ready. It is gone when the test ends. */
export async function actor(t: TestContext, part: Part, env: Record<string, string> = {}): Promise<Actor> {
  const script = fileURLToPath(new URL('actor.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(part)], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const ready = Promise.withResolvers<void>()
  const ended = listen(child, ready.resolve)
  ended.then(() => ready.reject(new Error('it ended before it was ready')))
  await ready.promise
  return {
    go: () => void child.stdin.write('go\n'),
    ended,
    frozen: async () => void (await until(async () => stateOf(child) === 'T')),
    kill: (signal) => void child.kill(signal),
  }
}

async function listen(child: ChildProcess, ready: () => void) {
  const outcomes: Outcome[] = []
  const exit = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)))
  assert.ok(child.stdout)
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') ready()
    else outcomes.push(JSON.parse(line) as Outcome)
  }
  return { outcomes, signal: await exit }
}

/** As the kernel has it: `T` is stopped. */
function stateOf(child: ChildProcess): string | undefined {
  return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
}

/** Something to say. */
export function saying(senderId: string, text: string, id = newId()): Act {
  return { kind: 'message', id, senderId, text, contentHash: hashOf(text) }
}

/** Somebody to let in or out. */
export function changing(
  kind: 'members.added' | 'members.removed',
  senderId: string,
  userId: string,
  id = newId(),
): Act {
  return { kind, id, senderId, userIds: [userId], contentHash: hashOf(kind, userId) }
}
