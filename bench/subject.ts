import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoginReply } from '@parley/protocol/user'
import { connectRaw, type RawClient } from './client.ts'
import { type Served, serve } from './process.ts'

/** One of the two systems that are compared, behind the same few calls. */
export interface Subject extends AsyncDisposable {
  readonly name: 'parley' | 'bare'
  readonly served: Served
  connect(user: number): Promise<RawClient>
  /** The id of a conversation of two. */
  direct(one: number, other: number): Promise<string>
  /** The id of a group of these, the first its owner. */
  group(users: readonly number[], clients: readonly RawClient[]): Promise<string>
  userId(user: number): string
  token(user: number): string
}

/** Limits that a benchmark must lift: one user here stands for many. They are printed with the figures. */
export const LIFTED = {
  PARLEY_BCRYPT_COST: '4',
  PARLEY_LIMIT_SENDS_PER_SECOND: '1000000',
  PARLEY_LIMIT_SEND_BURST: '1000000',
  PARLEY_LIMIT_SEND_WINDOW: '256',
  PARLEY_LIMIT_EVENTS_PER_SECOND: '1000000',
  PARLEY_LIMIT_EVENT_BURST: '1000000',
  PARLEY_LIMIT_DEVICES_PER_USER: '1000',
  PARLEY_LIMIT_READS_PER_SECOND: '1000000',
  PARLEY_LIMIT_READ_BURST: '1000000',
  PARLEY_LIMIT_GROUP_MEMBERS: '10000',
}

const PASSWORD = 'benchmark password'

export async function parley(
  users: number,
  { folder = mkdtempSync(join(tmpdir(), 'parley-bench-')), inspect = false, env = {} } = {},
): Promise<Subject> {
  const served = await serve('main.ts', { ...LIFTED, ...env, PARLEY_DATA: folder }, { inspect })
  const people: LoginReply[] = []
  for (let from = 0; from < users; from += 20) {
    const numbers = Array.from({ length: Math.min(20, users - from) }, (_, index) => from + index)
    people.push(...(await Promise.all(numbers.map((user) => enter(served.url, user)))))
  }
  return {
    name: 'parley',
    served,
    userId: (user) => people[user]!.user.id,
    token: (user) => people[user]!.token,
    connect: (user) => connectRaw(served.url, people[user]!.user.id, people[user]!.token, people[user]!.partition),
    // Both open it: before anything was said it is there for those alone who have.
    direct: async (one, other) => {
      const open = (by: number, to: number) =>
        call(served.url, people[by]!.token, 'PUT', `/api/conversations/direct/${people[to]!.user.id}`)
      await open(other, one)
      return idOf(await open(one, other))
    },
    group: async ([owner, ...others]) => {
      const memberIds = others.map((user) => people[user]!.user.id)
      const id = idOf(
        await call(served.url, people[owner!]!.token, 'POST', '/api/conversations', {
          title: 'Room',
          memberIds: memberIds.slice(0, 500),
        }),
      )
      for (let from = 500; from < memberIds.length; from += 500)
        await call(served.url, people[owner!]!.token, 'POST', `/api/conversations/${id}/members`, {
          userIds: memberIds.slice(from, from + 500),
        })
      return id
    },
    async [Symbol.asyncDispose]() {
      await served.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function bare({ inspect = false } = {}): Promise<Subject> {
  const served = await serve('bench/bare.ts', {}, { inspect })
  return {
    name: 'bare',
    served,
    userId: (user) => `user-${user}`,
    token: (user) => `user-${user}`,
    connect: (user) => connectRaw(served.url, `user-${user}`, `user-${user}`),
    direct: async (one, other) => `${Math.min(one, other)}-${Math.max(one, other)}`,
    async group(users, clients) {
      const id = `room-${users[0]}`
      for (const client of clients) client.emit('room.join', JSON.stringify(id))
      return id
    },
    [Symbol.asyncDispose]: () => served.kill(),
  }
}

async function enter(url: string, user: number): Promise<LoginReply> {
  const email = `user${user}@example.org`
  await call(url, undefined, 'POST', '/api/user/register', { username: `user${user}`, email, password: PASSWORD })
  return (await call(url, undefined, 'POST', '/api/user/login', {
    email,
    password: PASSWORD,
    tokens: 'body',
  })) as LoginReply
}

export async function call(
  url: string,
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
  return text ? JSON.parse(text) : undefined
}

const idOf = (reply: unknown): string => {
  const { id, conversation } = reply as { id?: string; conversation?: { id: string } }
  return id ?? conversation!.id
}
