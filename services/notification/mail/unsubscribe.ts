import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { UserDirectory } from '@parley/protocol/internal'
import type { PreferenceStore } from '../store/preferences.ts'

/** Kinds of mail that one can do without. Mail about the safety of an account always comes. */
const KINDS = ['digest'] as const
type Kind = (typeof KINDS)[number]

/** Lets whoever holds a link that stood in a mail end mails of its kind, and nothing else (RFC 8058). */
export interface Unsubscribe {
  /** The link for that user's mails of that kind; for the same always the same. It does not end. */
  link(userId: string, kind: Kind): string
  /** The user and kind that a token was made for; undefined for anything else. */
  read(token: string): { userId: string; kind: Kind } | undefined
  /** Ends them, however often. False for a token that is none. Of a user who is not there any more nothing is kept. */
  end(token: string): Promise<boolean>
}

export const UNSUBSCRIBE_PATH = '/api/notifications/unsubscribe'

export function openUnsubscribe(needs: {
  /** The key that services hold; ours is made of it. */
  key: Buffer
  /** The web origin under which this is reached. */
  origin: string
  preferences: Pick<PreferenceStore, 'change' | 'find'>
  users: Pick<UserDirectory, 'find'>
}): Unsubscribe {
  const { key, origin, preferences, users } = needs
  const own = Buffer.from(hkdfSync('sha256', key, '', 'parley unsubscribe', 32))
  const tag = (body: string): Buffer => createHmac('sha256', own).update(body).digest()

  function read(token: string): { userId: string; kind: Kind } | undefined {
    const [, userId, kind, mac] = /^([0-9a-f-]{36})\.([a-z]{1,20})\.([\w-]{43})$/.exec(token) ?? []
    const known = KINDS.find((one) => one === kind)
    if (!known || !timingSafeEqual(tag(`${userId}.${kind}`), Buffer.from(mac!, 'base64url'))) return undefined
    return { userId: userId!, kind: known }
  }

  return {
    link(userId, kind) {
      const body = `${userId}.${kind}`
      return `${origin}${UNSUBSCRIBE_PATH}?token=${body}.${tag(body).toString('base64url')}`
    },
    read,
    async end(token) {
      const whose = read(token)
      if (!whose) return false
      const { userId, kind } = whose
      const set = (await preferences.find([userId])).get(userId)
      if (set?.[kind] === false) return true
      const [user] = await users.find([userId])
      if (user) await preferences.change(userId, { [kind]: false })
      return true
    },
  }
}
