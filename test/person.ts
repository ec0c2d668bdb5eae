import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { LoginReply, RegisterReply } from '@parley/protocol/user'
import { connect, type Device, type Transport } from './device.ts'
import { ask, type Reply, type Request } from './http.ts'

/** Someone with an account and a session, who speaks plain HTTP and stock Socket.IO. */
export interface Person {
  id: string
  name: string
  email: string
  token: string
  refreshToken: string
  sessionId: string
  get<T>(path: string, request?: Request): Promise<Reply<T>>
  post<T>(path: string, body?: unknown, request?: Request): Promise<Reply<T>>
  ask<T>(method: string, path: string, request?: Request): Promise<Reply<T>>
  /** A device of this session; `partition` says where Nginx puts it, and is that of the log-in unless given. */
  connect(options?: { partition?: number | undefined; transports?: Transport[] }): Promise<Device>
}

export const PASSWORD = 'securePass123'

/** A user name that nobody has: tests of one file share a system. */
export const freshName = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`

/** Registers someone and logs in. */
export async function newPerson(url: string, name: string): Promise<Person> {
  const username = freshName(name)
  const email = `${username}@example.com`
  const registered = await ask<RegisterReply>(`${url}/api/user/register`, 'POST', {
    body: { username, email, password: PASSWORD },
  })
  assert.equal(registered.status, 201, JSON.stringify(registered.body))
  return logIn(url, email)
}

/** A new session of an account. */
export async function logIn(url: string, email: string, password = PASSWORD): Promise<Person> {
  const reply = await ask<LoginReply>(`${url}/api/user/login`, 'POST', { body: { email, password, tokens: 'body' } })
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  const { token, user, refreshToken, sessionId, partition: own } = reply.body
  const speak = <T>(method: string, path: string, request?: Request) =>
    ask<T>(url + path, method, { token, ...request })
  return {
    id: user.id,
    name: user.username,
    email: user.email,
    token,
    refreshToken: refreshToken!,
    sessionId,
    get: (path, request) => speak('GET', path, request),
    post: (path, body, request) => speak('POST', path, { body, ...request }),
    ask: speak,
    connect: ({ partition = own, transports } = {}) =>
      connect(url, { auth: { token }, query: { p: String(partition) }, ...(transports && { transports }) }),
  }
}
