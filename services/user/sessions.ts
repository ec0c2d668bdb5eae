import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import type { SessionItem } from '@parley/protocol/user'
import { v7 as newId } from 'uuid'
import type { UserLimits } from './config.ts'
import type { Control } from './control.ts'
import { placeOf } from './place.ts'
import { hashToken, type RefreshTokens } from './refresh-token.ts'
import { happenedTo } from './security-outbox.ts'
import type { Account, Session, SessionStore } from './store/store.ts'

export interface Sessions {
  /**
   * A new log-in of a device, of which the owner of the account is told, unless it is the one that follows the registration. Where the
   * user has too many, the least recently used is revoked.
   */
  start(account: Pick<Account, 'id' | 'createdAt'>, name: string, address: string): Promise<Continued>
  /**
   * Moves the session on to its next refresh token. The token before the current one is answered with the current one, so that a
   * lost reply can be asked for again and two tabs can ask at once; any older one is a copy in foreign hands, and ends the session.
   * Throws `auth.invalid` for a token that is not, or no longer, good.
   */
  refresh(token: string, address: string): Promise<Continued>
  /** The live session of an access token. Throws `auth.invalid` when it was revoked or has ended. */
  get(actor: Actor): Promise<Session>
  list(actor: Actor): Promise<SessionItem[]>
  rename(actor: Actor, id: string, name: string): Promise<SessionItem>
  /** Ends one of one's own sessions. Throws `not_found`. */
  revoke(actor: Actor, id: string): Promise<void>
  revokeOthers(actor: Actor): Promise<void>
  /** Ends a session by its owner's wish to log out; nothing happens if it is over already. */
  end(userId: string, id: string): Promise<void>
  /** Whether that refresh token was made here, however old it is. */
  isOurs(token: string): boolean
  /** The session that a refresh token of ours belongs to, if it is live. */
  ofRefreshToken(token: string): Promise<Session | undefined>
}

export interface Continued {
  session: Session
  refreshToken: string
}

const DAY_MS = 86_400_000
const FIRST_WITHIN_MS = 10 * 60_000

export function openSessions(needs: {
  sessions: SessionStore
  control: Control
  chain: RefreshTokens
  limits: UserLimits
  /** Called when something was stored that is to be told. */
  written: () => void
  now: () => number
}): Sessions {
  const { sessions, control, chain, limits, written, now } = needs
  const time = (afterMs = 0): string => new Date(now() + afterMs).toISOString()
  const ending = (): string => time(limits.sessionDays * DAY_MS)
  const isLive = (session: Session): boolean => session.expiresAt > time()

  async function findLive(id: string): Promise<Session | undefined> {
    const session = await sessions.find(id)
    return session && isLive(session) ? session : undefined
  }

  const listLive = async (userId: string): Promise<Session[]> => (await sessions.list(userId)).filter(isLive)

  async function refresh(token: string, address: string): Promise<Continued> {
    const read = chain.read(token)
    if (!read) throw over()
    const refreshToken = chain.successor(token)
    const current = hashToken(refreshToken)
    // Each round is lost only to another that moved the session on meanwhile; then its answer is ours too.
    for (let tries = 0; tries < 5; tries++) {
      const session = await findLive(read.sessionId)
      if (!session) throw over()
      if (session.previous === read.hash && session.current === current) return { session, refreshToken }
      if (session.current !== read.hash) {
        const reused = happenedTo({ ...session, place: placeOf(address) }, 'session.reused', now())
        if (await control.revoke(session.userId, session.id, 'reused', reused)) written()
        throw over()
      }
      const next = { current, previous: read.hash, lastUsedAt: time(), expiresAt: ending(), place: placeOf(address) }
      crashPoint('refresh.before-commit')
      if (await sessions.rotate(session.id, session.generation, next)) {
        crashPoint('refresh.after-commit')
        return { session: { ...session, ...next, generation: session.generation + 1 }, refreshToken }
      }
    }
    throw new Fault('unavailable', 'The session is being refreshed elsewhere. Try again.', { retryAfterMs: 1_000 })
  }

  /** The first one, soon after the account was made: whoever made it is who logs in. */
  const isFirst = async ({ id, createdAt }: Pick<Account, 'id' | 'createdAt'>): Promise<boolean> =>
    now() - Date.parse(createdAt) < FIRST_WITHIN_MS && (await listLive(id)).length === 0

  return {
    async start(account, name, address) {
      const userId = account.id
      const id = newId()
      const refreshToken = chain.first(id)
      const at = time()
      const session: Session = {
        id,
        userId,
        name,
        createdAt: at,
        lastUsedAt: at,
        current: hashToken(refreshToken),
        generation: 0,
        expiresAt: ending(),
        place: placeOf(address),
      }
      const first = await isFirst(account)
      await sessions.add(session, first ? undefined : happenedTo(session, 'session.started', now()))
      if (!first) written()
      const others = (await listLive(userId)).filter((other) => other.id !== id)
      for (const other of others.slice(limits.devicesPerUser - 1)) await control.revoke(userId, other.id, 'revoked')
      return { session, refreshToken }
    },

    refresh,
    isOurs: (token) => chain.read(token) !== undefined,

    async get(actor) {
      const session = await findLive(actor.sessionId)
      if (session?.userId !== actor.userId) throw over()
      return session
    },

    list: async (actor) => (await listLive(actor.userId)).map((session) => item(session, actor)),

    async rename(actor, id, name) {
      const done = await sessions.rename(actor.userId, id, name)
      const session = done ? await findLive(id) : undefined
      if (!session) throw noSuch()
      return item(session, actor)
    },

    async revoke(actor, id) {
      const reason = id === actor.sessionId ? 'logout' : 'revoked'
      if (!(await control.revoke(actor.userId, id, reason))) throw noSuch()
    },

    async revokeOthers(actor) {
      for (const { id } of await sessions.list(actor.userId))
        if (id !== actor.sessionId) await control.revoke(actor.userId, id, 'revoked')
    },

    end: async (userId, id) => void (await control.revoke(userId, id, 'logout')),

    async ofRefreshToken(token) {
      const read = chain.read(token)
      return read && findLive(read.sessionId)
    },
  }
}

const item = (session: Session, actor: Actor): SessionItem => ({
  id: session.id,
  name: session.name,
  createdAt: session.createdAt,
  lastUsedAt: session.lastUsedAt,
  ...(session.place !== undefined && { place: session.place }),
  current: session.id === actor.sessionId,
})

const over = (): Fault => new Fault('auth.invalid', 'The session is over: log in')
const noSuch = (): Fault => new Fault('not_found', 'There is no such session')
