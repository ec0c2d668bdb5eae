import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Stack } from '@parley/infra/stack'
import type { LoginReply } from '@parley/protocol/user'
import { io } from 'socket.io-client'
import { PASSWORD, type Person } from './actors.ts'
import { isOurs, type Nemesis } from './nemesis.ts'
import type { Recorder } from './recorder.ts'
import { once } from './rest.ts'

const SAMPLE_MS = 1_000

/** Writes down the memory of our processes, and that one ended by itself, until the signal aborts. */
export async function watchProcesses(
  stack: Stack,
  nemesis: Nemesis,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<void> {
  const dead = new Set<string>()
  while (!signal.aborted) {
    for (const name of stack.names().filter(isOurs)) {
      if (!stack.alive(name) && !nemesis.breaks(name) && !dead.has(name)) {
        dead.add(name)
        recorder.note({ type: 'died', target: name })
      }
      const bytes = stack.alive(name) ? residentBytes(stack.pid(name)) : undefined
      if (bytes !== undefined) recorder.note({ type: 'memory', target: name, bytes })
    }
    await pause(SAMPLE_MS, undefined, { signal }).catch(() => undefined)
  }
}

function residentBytes(pid: number): number | undefined {
  try {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line ? Number(line[1]) * 1024 : undefined
  } catch {
    return undefined
  }
}

const REVOKE_EVERY_MS = 10_000

/**
 * Logs sessions in, listens with their sockets, revokes them and writes down what still reaches them (I22). While nothing
 * is broken, or the broker alone: a frozen node can do nothing about a revocation.
 */
export async function watchRevocation(
  url: string,
  people: readonly Person[],
  nemesis: Nemesis,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    await pause(REVOKE_EVERY_MS, undefined, { signal }).catch(() => undefined)
    const person = people[turn % people.length]!
    await nemesis.interlude(turn % 2 === 1, signal, () => revokeOne(url, person, recorder))
  }
}

const CONNECT_MS = 3_000
/** For how long the ears stay open after the revocation. */
const LISTEN_MS = 5_000

async function revokeOne(url: string, person: Person, recorder: Recorder): Promise<void> {
  const credentials = { email: person.email, password: PASSWORD, tokens: 'body' }
  const login = await once(url, undefined, 'POST', '/api/user/login', credentials)
  if (login?.status !== 200) return
  const { token, sessionId, partition } = login.body as LoginReply
  const socket = io(url, { transports: ['websocket'], auth: { token }, query: { p: partition }, reconnection: false })
  try {
    const greeting = new Promise<boolean>((resolve) => socket.once('hello', () => resolve(true)))
    const greeted = await Promise.race([greeting, pause(CONNECT_MS, false)])
    const revoked = await once(url, person.rest.token, 'DELETE', `/api/user/me/sessions/${sessionId}`)
    if (!greeted || revoked?.status !== 204) return
    recorder.note({ type: 'revoked', sessionId })
    const goodbye = new Set(['session.revoked', 'session.expired'])
    socket.onAny((event: string) => {
      if (!goodbye.has(event)) recorder.note({ type: 'reached', sessionId, what: event })
    })
    await pause(LISTEN_MS)
    if (socket.connected) recorder.note({ type: 'reached', sessionId, what: 'an open socket' })
    const read = await once(url, token, 'GET', '/api/conversations')
    if (read?.status === 200) recorder.note({ type: 'reached', sessionId, what: 'GET /api/conversations' })
  } finally {
    socket.disconnect()
  }
}
