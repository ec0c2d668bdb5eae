import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import { TOKEN_AUDIENCE, TOKEN_ISSUER, TOKEN_TYPE } from '@parley/kit/token'
import type { ControlEntry } from '@parley/protocol/events'
import { foldName } from '@parley/protocol/fold-name'
import type { BlocksPage, FriendsItem, PrivacyPage, UserDirectory } from '@parley/protocol/internal'
import type { KeepOrErase, PublicUser } from '@parley/protocol/user'
import { v7 } from 'uuid'

/** The user service as the chat service sees it, with what a test must be able to decide: who exists, what a token says, when the service is away. */
export interface TestUsers extends UserDirectory {
  add(username: string): PublicUser
  /** An access token; claims and header fields may be overridden to make a bad one. */
  token(user: PublicUser, more?: { sessionId?: string; claims?: object; header?: object; signedBy?: 'other' }): string
  revoke(user: PublicUser, sessionId: string): void
  delete(user: PublicUser, how?: { messages?: KeepOrErase; at?: string }): void
  /** The blocks that are in force when a node reads them. */
  blocked: BlocksPage['items']
  /** Who keeps something back when a node reads it. */
  discreet: PrivacyPage['items']
  /** What is between pairs when a node asks. */
  befriended: FriendsItem[]
  /** The control log is as it was before anything was revoked, as after a restored backup. */
  forgetRevocations(): void
  /** While true every call rejects. */
  away: boolean
}

export function testUsers(): TestUsers {
  const own = generateKeyPairSync('ed25519')
  const other = generateKeyPairSync('ed25519')
  const users = new Map<string, PublicUser>()
  const log: ControlEntry[] = []
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

  function append(
    entry:
      | { kind: 'session.revoked'; userId: string; sessionId: string; reason: 'logout' }
      | { kind: 'user.deleted'; userId: string; messages: KeepOrErase },
    at = new Date().toISOString(),
  ): void {
    log.push({ n: log.length + 1, at, ...entry })
  }

  const directory: TestUsers = {
    away: false,
    blocked: [],
    discreet: [],
    befriended: [],
    add(username) {
      const user = { id: v7(), username }
      users.set(user.id, user)
      return user
    },
    token(user, { sessionId = randomUUID(), claims, header, signedBy } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const body = [
        part({ alg: 'EdDSA', typ: TOKEN_TYPE, kid: 'test', ...header }),
        part({
          iss: TOKEN_ISSUER,
          aud: TOKEN_AUDIENCE,
          sub: user.id,
          sid: sessionId,
          name: user.username,
          iat: now,
          exp: now + 900,
          ...claims,
        }),
      ].join('.')
      const key = signedBy === 'other' ? other.privateKey : own.privateKey
      return `${body}.${sign(null, Buffer.from(body), key).toString('base64url')}`
    },
    revoke: (user, sessionId) => append({ kind: 'session.revoked', userId: user.id, sessionId, reason: 'logout' }),
    delete(user, { messages = 'keep', at } = {}) {
      users.delete(user.id)
      append({ kind: 'user.deleted', userId: user.id, messages }, at)
    },
    forgetRevocations() {
      log.length = 0
    },
    find: (ids) => answer(() => ids.map((id) => users.get(id)).filter((user) => user !== undefined)),
    findByName: (username) =>
      answer(() => [...users.values()].find((user) => foldName(user.username) === foldName(username))),
    mailbox: (id) =>
      answer(() => {
        const user = users.get(id)
        return user && { username: user.username, email: `${user.id}@example.org` }
      }),
    control: (after, limit) => answer(() => ({ entries: log.slice(after, after + limit), head: log.length })),
    blocks: (after, limit) => answer(() => pageOf(directory.blocked, after, limit)),
    privacy: async (after, limit) => answer(() => pageOf(directory.discreet, after, limit)),
    friends: (pairs) =>
      answer(() =>
        directory.befriended.filter(({ users }) =>
          pairs.some((pair) => pair.every((id) => users.includes(id)) && pair[0] !== pair[1]),
        ),
      ),
    jwks: () =>
      answer(() => ({ keys: [{ ...own.publicKey.export({ format: 'jwk' }), kty: 'OKP', kid: 'test', alg: 'EdDSA' }] })),
  }

  async function answer<T>(give: () => T): Promise<T> {
    if (directory.away) throw new Fault('unavailable', 'The user service is away')
    return give()
  }

  function pageOf<T>(all: T[], after: string | undefined, limit: number): { items: T[]; next?: string } {
    const from = Number(after ?? 0)
    return { items: all.slice(from, from + limit), ...(from + limit < all.length && { next: String(from + limit) }) }
  }

  return directory
}
