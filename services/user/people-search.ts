import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomInt } from 'node:crypto'
import { foldName } from '@parley/protocol/fold-name'
import { haveAll, wordsOf } from '@parley/protocol/name-words'
import type { PublicUser } from '@parley/protocol/user'
import type { Accounts } from './accounts.ts'
import type { Profiles } from './profiles.ts'
import type { PublicUsers } from './public-user.ts'
import type { NamePlace, ProfileStore } from './store/profiles.ts'
import type { Account } from './store/store.ts'

/**
 * People by the beginning of their user names, and after them by the beginnings of words of their display names, each once. Who does
 * not let that asker find them leaves no trace: neither a page that is shorter, nor a cursor that tells of them.
 */
export interface PeopleSearch {
  /**
   * One page. Where very many in a row are not for that asker to find it ends before it is full, with a cursor from which it goes on: at most
   * `MOST` are looked at for one page. A cursor is of the same asker and words; any other is past the end.
   */
  find(
    askerId: string,
    query: { q: string; cursor?: string | undefined; limit: number },
  ): Promise<{ items: PublicUser[]; nextCursor?: string }>
}

/** Where a search stands: behind that user name, or at a word of a display name (without one: before all of them). */
type Place = { name: string | null } | { word: NamePlace | null }

/** Somebody who is found, and where. */
interface Found {
  account: Account
  place: Place
}

/**
 * Looked at together: so many that a few who are hidden cost no other round that could be timed. For one page between `LEAST` and
 * `MOST` are, as chance has it: else somebody with enough accounts of their own could count up to one that is hidden.
 */
const ROUND = 100
const LEAST = 1_000
const MOST = 2_000

export function openPeopleSearch(needs: {
  accounts: Pick<Accounts, 'search' | 'find'>
  profiles: Pick<Profiles, 'findable'>
  names: Pick<ProfileStore, 'find' | 'named'>
  publicUsers: PublicUsers
  /** What cursors are sealed with is made of it. */
  key: Buffer
}): PeopleSearch {
  const { accounts, profiles, names, publicUsers } = needs
  const seal = openSeal(needs.key)

  /** Those who come next, whether they may be found or not, and where it goes on. */
  async function next(q: string, at: Place, limit: number): Promise<{ found: Found[]; at?: Place }> {
    if ('name' in at) {
      const found = await accounts.search(q, at.name ?? undefined, limit)
      const last = found.length === limit && found.at(-1)
      return {
        found: found.map((account) => ({ account, place: { name: account.nameKey } })),
        at: last ? { name: last.nameKey } : { word: null },
      }
    }
    const terms = wordsOf(q)
    // The longest leaves the fewest to look at.
    const term = terms.toSorted((a, b) => b.length - a.length)[0]
    if (term === undefined) return { found: [] }
    const places = await names.named(term, at.word ?? undefined, limit)
    const last = places.length === limit && places.at(-1)
    return { found: await byWords(q, terms, term, places), ...(last && { at: { word: last } }) }
  }

  /** Those of these places whose names are still such. Who was found by the user name, or at an earlier word, is not found again. */
  async function byWords(q: string, terms: readonly string[], term: string, places: readonly NamePlace[]) {
    const ids = [...new Set(places.map(({ userId }) => userId))]
    const [rows, found] = await Promise.all([names.find(ids), accounts.find(ids)])
    const words = new Map(rows.map(({ userId, displayName }) => [userId, wordsOf(displayName).sort(byCodePoint)]))
    const byId = new Map(found.map((account) => [account.id, account]))
    const before = foldName(q)
    return places.flatMap((word): Found[] => {
      const own = words.get(word.userId) ?? []
      const account = byId.get(word.userId)
      if (!account || account.nameKey.startsWith(before) || !haveAll(own, terms)) return []
      return own.find((one) => one.startsWith(term)) === word.word ? [{ account, place: { word } }] : []
    })
  }

  return {
    async find(askerId, { q, cursor, limit }) {
      const bound = `${askerId} ${q}`
      let at: Place | undefined = cursor === undefined ? { name: null } : seal.open(cursor, bound)
      const seen: Found[] = []
      for (let left = randomInt(LEAST, MOST + 1); at && left > 0 && seen.length <= limit; left -= ROUND) {
        const round = await next(q, at, Math.min(ROUND, left))
        const free = new Set(await profiles.findable(askerId, round.found.map(accountOf)))
        seen.push(...round.found.filter(({ account }) => free.has(account)))
        at = round.at
      }
      const items = seen.slice(0, limit)
      const end = seen.length > limit ? items.at(-1)!.place : at
      return {
        items: await publicUsers(items.map(accountOf)),
        ...(end && { nextCursor: seal.close(end, bound) }),
      }
    },
  }
}

const accountOf = ({ account }: Found): Account => account

/** The order in which both stores have words. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const IV_BYTES = 12
const TAG_BYTES = 16
/** As much as any place takes, so that the length of a cursor says nothing either. */
const PLACE_BYTES = 384

/** Seals places, for they may name who is hidden (AES-256-GCM). What is sealed opens only with the same `bound`. */
function openSeal(from: Buffer): {
  close(place: Place, bound: string): string
  open(cursor: string, bound: string): Place | undefined
} {
  const key = Buffer.from(hkdfSync('sha256', from, '', 'parley people search', 32))
  return {
    close(place, bound) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(bound))
      const text = Buffer.from(JSON.stringify(place))
      const padded = Buffer.concat([text, Buffer.alloc(Math.max(0, PLACE_BYTES - text.length), ' ')])
      return Buffer.concat([iv, cipher.update(padded), cipher.final(), cipher.getAuthTag()]).toString('base64url')
    },
    open(cursor, bound) {
      const bytes = Buffer.from(cursor, 'base64url')
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(bound))
        .setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
        return JSON.parse(text.toString()) as Place // as `close` wrote it
      } catch {
        return undefined
      }
    },
  }
}
