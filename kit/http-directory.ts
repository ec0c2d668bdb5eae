import type { FriendsItem, Mailbox, UserDirectory } from '@parley/protocol/internal'
import type { PublicUser } from '@parley/protocol/user'
import { Fault } from './fault.ts'

const TIMEOUT_MS = 3_000
/** A request line longer than 16 KB is refused by Node's HTTP server. */
const IDS_PER_URL = 200

/** The user service, asked over HTTP on its internal port. Every call ends within 3 s; what cannot be asked is `unavailable`. */
export function httpDirectory(baseUrl: string, internalKey: Buffer): UserDirectory {
  const authorization = `Bearer ${internalKey.toString('base64url')}`

  async function get<T>(path: string): Promise<T> {
    try {
      const reply = await fetch(new URL(path, baseUrl), {
        headers: { authorization },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: 'error',
      })
      if (!reply.ok) throw new Error(`the user service answered ${reply.status}`)
      return (await reply.json()) as T // our own service, over a port that only services reach
    } catch (error) {
      throw new Fault('unavailable', 'The user service cannot be asked for the moment', { cause: error })
    }
  }

  return {
    async find(ids) {
      const found: PublicUser[] = []
      for (let at = 0; at < ids.length; at += IDS_PER_URL)
        found.push(...(await get<PublicUser[]>(`/internal/users?ids=${ids.slice(at, at + IDS_PER_URL).join(',')}`)))
      return found
    },
    async findByName(username) {
      const query = new URLSearchParams({ username })
      return (await get<{ items: PublicUser[] }>(`/internal/users/named?${query}`)).items[0]
    },
    async mailbox(userId) {
      return (await get<{ items: Mailbox[] }>(`/internal/mailbox?userId=${userId}`)).items[0]
    },
    control: (after, limit) => get(`/internal/control?after=${after}&limit=${limit}`),
    blocks: (after, limit) => get(`/internal/blocks?${after === undefined ? '' : `after=${after}&`}limit=${limit}`),
    privacy: (after, limit) => get(`/internal/privacy?${after === undefined ? '' : `after=${after}&`}limit=${limit}`),
    async friends(pairs) {
      const found: FriendsItem[] = []
      for (let at = 0; at < pairs.length; at += IDS_PER_URL) {
        const asked = pairs.slice(at, at + IDS_PER_URL).map((pair) => pair.join(':'))
        found.push(...(await get<FriendsItem[]>(`/internal/friends?pairs=${asked.join(',')}`)))
      }
      return found
    },
    jwks: () => get('/.well-known/jwks.json'),
  }
}
