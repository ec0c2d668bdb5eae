import type { LoginReply, OwnUser, RegisterReply } from '@parley/protocol/user'
import { type Access, openAccess } from './access.ts'
import { delay } from './backoff.ts'
import { asParleyError, deviceError, type ParleyError } from './error.ts'
import type { HttpRequest, Send } from './http.ts'
import { openRepeatKeys } from './repeat-key.ts'
import { writable } from './store.ts'
import type { DeviceStorage, Readable, SessionState } from './types.ts'
import { openUnderWay } from './under-way.ts'

/** Who is signed in on this device, and the tokens that prove it. */
export interface Session {
  readonly state: Readable<SessionState>
  register(input: { username: string; email: string; password: string }): Promise<OwnUser>
  login(input: { email: string; password: string }): Promise<OwnUser>
  resume(): Promise<OwnUser | undefined>
  /** Once what is under way was answered, or waited for long enough: nothing is asked in the name of a session that is over. */
  logout(): Promise<void>
  /** `send` for what ends the session where it goes well, such as deleting the account; then signs out. Alone, as a log-out is. */
  endBy(request: HttpRequest, reason: string): Promise<void>
  /** An access token that is good for a while yet, and another one than `refused`. Rejects `auth.invalid` when signed out. */
  token(refused?: string): Promise<string>
  /** `send` with the access token; with a new one, once, when the first was refused. */
  authorized: Send
  /** Where the socket is placed. */
  partition(): number
  /** The server ended the session: sign out, and forget all but what was not yet sent; that too where the account was deleted. */
  end(reason: string): Promise<void>
  close(): void
}

export interface SessionOptions {
  send: Send
  storage: DeviceStorage
  tokens: 'cookie' | 'body'
  deviceName: string | undefined
  /** Opens what the user has on this device; resolves when it can be shown. */
  signedIn(user: OwnUser): Promise<void>
  /** Stops all work for the user; nothing is written for them after it resolves. `leaves`: nobody has signed in here in their place. */
  signedOut(leaves: boolean): Promise<void>
  /** A new access token came, ahead of the old one's end. */
  renewed(token: string): void
}

/** What a device keeps of a session. In a browser no token: the refresh token is in an HttpOnly cookie, the access token in memory. */
export interface Kept {
  user: OwnUser
  sessionId: string
  partition: number
  refreshToken?: string
}

/** Under which a device keeps who is signed in. */
export const KEY = 'session'
/** The account is no more, as the server says: nobody will ever send what waits. */
const DELETED = 'deleted'
/** What browsers' storage is called unless it is given a name. */
const SHARED_AS = 'parley'
const RESUME_WAIT_MS = 3_000
const LOGOUT_WAIT_MS = 5_000

/** The prefix of everything that is kept for a user, so that no one sees what another left on the same device. */
export const userPrefix = (userId: string): string => `${userId}/`
export const outboxPrefix = (userId: string): string => `${userPrefix(userId)}outbox/`

export function openSession({
  send,
  storage,
  tokens,
  deviceName,
  signedIn,
  signedOut,
  renewed,
}: SessionOptions): Session {
  const state = writable<SessionState>({ status: 'signed-out' })
  let current: Kept | undefined
  let access: Access | undefined
  let refreshing: Promise<string> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let closed = false
  const repeatable = openRepeatKeys()
  const underWay = openUnderWay()
  // Signing in and out change storage: never two at once.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const done = last.then(step, step)
    last = done.catch(() => {})
    return done
  }

  async function login(input: { email: string; password: string }): Promise<OwnUser> {
    const device = deviceName === undefined ? {} : { device: deviceName }
    const reply = await send({ method: 'POST', path: '/api/user/login', body: { ...input, tokens, ...device } })
    return inTurn(() => signIn(reply as LoginReply))
  }

  async function signIn(reply: LoginReply): Promise<OwnUser> {
    if (current) await leave(false)
    await forgetOthers(reply.user.id)
    await take(reply)
    await enter()
    return reply.user
  }

  /** A refresh token is kept before it is used: the one before it stays good until then, so a crash in between costs nothing. */
  async function take(reply: LoginReply): Promise<void> {
    const { user, sessionId, partition, refreshToken } = reply
    const kept: Kept = { user, sessionId, partition, ...(refreshToken !== undefined && { refreshToken }) }
    await storage.write([[KEY, kept]])
    current = kept
    access = openAccess(reply.token, reply.expiresAt)
    renewLater(access.life * (0.55 + Math.random() * 0.1))
  }

  async function enter(): Promise<void> {
    const { user, sessionId } = current!
    await signedIn(user)
    state.set({ status: 'signed-in', user, sessionId })
  }

  async function resume(): Promise<OwnUser | undefined> {
    const user = await inTurn(async () => {
      if (current) return current.user
      const kept = (await storage.get(KEY)) as Kept | undefined
      if (!kept || closed) return undefined
      current = kept
      await enter()
      return kept.user
    })
    if (!user || access) return user
    // Offline, or a server that takes its time, must not keep one from what is on the device.
    const late = new AbortController()
    await Promise.race([token().catch(() => {}), delay(RESUME_WAIT_MS, late.signal)])
    late.abort()
    return state.get().status === 'signed-in' ? user : undefined
  }

  const token = (refused?: string): Promise<string> => underWay.run(() => goodToken(refused))

  async function goodToken(refused?: string): Promise<string> {
    if (!current) throw deviceError('auth.invalid', 'Nobody is signed in on this device')
    if (refused !== undefined && access?.token === refused) access = undefined
    if (access && !access.nearlyOver()) return access.token
    refreshing ??= refresh().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  function refresh(): Promise<string> {
    // Tabs share the session: one refreshes at a time, and each takes the next link of the chain.
    // A cookie they share also where each keeps the rest in memory.
    const name = storage.sharedAs ?? (tokens === 'cookie' ? SHARED_AS : undefined)
    const locks = name === undefined ? undefined : globalThis.navigator?.locks
    return locks ? locks.request(`${name}-refresh`, refreshAlone) : refreshAlone()
  }

  async function refreshAlone(): Promise<string> {
    const session = current
    if (!session) throw deviceError('auth.invalid', 'Nobody is signed in on this device')
    const kept = tokens === 'body' ? ((await storage.get(KEY)) as Kept | undefined) : undefined
    const { id: userId } = session.user
    const body = kept?.refreshToken === undefined ? { userId } : { userId, refreshToken: kept.refreshToken }
    let reply: LoginReply
    try {
      const request: HttpRequest = { method: 'POST', path: '/api/user/refresh', body, signal: underWay.givenUp }
      reply = (await send(request)) as LoginReply
    } catch (error) {
      const refusal = asParleyError(error)
      if (isOver(refusal) && current === session) void end(refusal.problem.deleted ? DELETED : 'expired')
      throw error
    }
    // A closed client keeps nothing more: the storage may be the next one's, and the server repeats this answer to it.
    if (closed || current !== session) throw deviceError('auth.invalid', 'The session ended')
    // Someone else has signed in with this browser's cookie, in another tab.
    if (reply.user.id !== session.user.id) {
      void end('replaced')
      throw deviceError('auth.invalid', 'Someone else has signed in')
    }
    await take(reply)
    renewed(reply.token)
    return reply.token
  }

  function renewLater(ms: number): void {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(() => {
      token(access?.token).catch(() => current && renewLater(10_000 + Math.random() * 10_000))
    }, ms)
  }

  const authorized: Send = (request) => underWay.run(() => ask({ ...request, signal: underWay.givenUp }))

  async function ask(request: HttpRequest): Promise<unknown> {
    const first = await goodToken()
    try {
      return await send(withToken(request, first))
    } catch (error) {
      if (!isOver(asParleyError(error)) || !current) throw error
      return send(withToken(request, await goodToken(first)))
    }
  }

  async function logout(): Promise<void> {
    const left = await underWay.alone(async () => {
      const session = current
      const outcome = session && (await told(session))
      // From here on nothing is asked in its name, whatever else waits for its turn.
      current = undefined
      return session && { session, outcome }
    })
    if (!left) return
    const { session, outcome } = left
    await inTurn(async () => {
      await leave(true)
      await forgetAll(session)
      state.set({ status: 'signed-out' })
    })
    if (outcome && !isOver(outcome)) throw outcome
  }

  /** Undefined when the server knows that the session is over, in good time. */
  async function told(session: Kept): Promise<ParleyError | undefined> {
    const late = new AbortController()
    const inTime = delay(LOGOUT_WAIT_MS, late.signal).then(() => {
      throw deviceError('unavailable', 'Signed out on this device; the server could not be told')
    })
    inTime.catch(() => {})
    const outcome = await Promise.race([tellLogout(session), inTime]).then(
      () => undefined,
      (error) => asParleyError(error),
    )
    late.abort()
    return outcome
  }

  /** Either token says which session it is, so that one that ended need not be renewed first. */
  async function tellLogout({ sessionId }: Kept): Promise<void> {
    const kept = (await storage.get(KEY)) as Kept | undefined
    const refreshToken = kept?.sessionId === sessionId ? kept.refreshToken : undefined
    const request: HttpRequest = {
      method: 'POST',
      path: '/api/user/logout',
      body: refreshToken ? { refreshToken } : {},
    }
    await send(access ? withToken(request, access.token) : request)
  }

  async function endBy(request: HttpRequest, reason: string): Promise<void> {
    const ended = await underWay.alone(async () => {
      await ask(request)
      return { over: end(reason) }
    })
    await ended.over
  }

  async function end(reason: string): Promise<void> {
    const session = current
    if (!session) return
    // From here on nothing is asked in its name, whatever else waits for its turn.
    current = undefined
    await inTurn(async () => {
      await leave(reason !== 'replaced')
      await (reason === DELETED ? forgetAll(session) : forget(session))
      state.set({ status: 'signed-out', ended: reason })
    })
  }

  async function leave(leaves: boolean): Promise<void> {
    current = undefined
    access = undefined
    clearTimeout(timer)
    await signedOut(leaves)
  }

  /** What was not yet sent stays, for the same user's next log-in; it is never shown to another. */
  async function forget({ user, sessionId }: Kept): Promise<void> {
    const kept = (await storage.get(KEY)) as Kept | undefined
    const own = await storage.list(userPrefix(user.id))
    const gone = own.map(([key]) => key).filter((key) => !key.startsWith(outboxPrefix(user.id)))
    if (kept?.sessionId === sessionId) gone.push(KEY)
    await storage.write(gone.map((key) => [key, undefined]))
  }

  /** Everything on the device, unless someone has signed in since, in another tab: then nothing of theirs. */
  async function forgetAll({ user, sessionId }: Kept): Promise<void> {
    const kept = (await storage.get(KEY)) as Kept | undefined
    if (!kept || kept.sessionId === sessionId) return storage.clear()
    if (kept.user.id === user.id) return
    const own = await storage.list(userPrefix(user.id))
    await storage.write(own.map(([key]) => [key, undefined]))
  }

  async function forgetOthers(userId: string): Promise<void> {
    const strangers = (await storage.list('')).filter(([key]) => key !== KEY && !key.startsWith(userPrefix(userId)))
    await storage.write(strangers.map(([key]) => [key, undefined]))
  }

  return {
    state,
    async register(input) {
      const request: HttpRequest = { method: 'POST', path: '/api/user/register', body: input }
      const reply = await repeatable(input, (key) => send({ ...request, headers: { 'idempotency-key': key } }))
      return (reply as RegisterReply).user
    },
    login,
    resume,
    logout,
    endBy,
    token,
    authorized,
    partition: () => current?.partition ?? 0,
    end,
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

const isOver = ({ problem }: ParleyError): boolean => problem.code === 'auth.invalid' || problem.code === 'auth.expired'

const withToken = (request: HttpRequest, token: string): HttpRequest => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${token}` },
})
