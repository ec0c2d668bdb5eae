import type {
  ConversationItem,
  InviteItem,
  InvitePreview,
  LogPage,
  MemberItem,
  MentionsPage,
  MessagePage,
  Role,
  StarredPage,
  SyncPage,
} from '@parley/protocol/conversation'
import type { OwnChange, OwnChanged, OwnPage } from '@parley/protocol/own'
import type { SearchPage } from '@parley/protocol/search'
import type { Settings, SettingsChange } from '@parley/protocol/settings'
import type { SendReply } from '@parley/protocol/socket'
import type { PublicUser, SessionItem } from '@parley/protocol/user'
import type { Send } from './http.ts'
import type { InviteTerms, MessageAction } from './types.ts'

export type Api = ReturnType<typeof openApi>

type UserPage = { items: PublicUser[]; nextCursor?: string }
const PEOPLE = 10
const PAGES = 3

/**
 * The server's HTTP calls by name. Pages come this way and not over the socket: they may be larger than what a node lets
 * wait for a socket (P8), and catching up must not cut the connection that it is for.
 */
export function openApi(send: Send) {
  const conversation = (id: string, more = ''): string => `/api/conversations/${encodeURIComponent(id)}${more}`
  return {
    async findUser(username: string): Promise<PublicUser | undefined> {
      const found = await send({ method: 'GET', path: '/api/user/users', query: { username } })
      return (found as { items: PublicUser[] }).items[0]
    },
    async searchUsers(q: string): Promise<PublicUser[]> {
      const found: PublicUser[] = []
      let cursor: string | undefined
      // A page may have fewer than there are.
      for (let pages = 0; pages < PAGES && found.length < PEOPLE; pages++) {
        const query = { q, limit: PEOPLE - found.length, cursor }
        const page = (await send({ method: 'GET', path: '/api/user/search', query })) as UserPage
        found.push(...page.items)
        cursor = page.nextCursor
        if (cursor === undefined) break
      }
      return found
    },
    sessions: async () =>
      ((await send({ method: 'GET', path: '/api/user/me/sessions' })) as { items: SessionItem[] }).items,
    renameSession: (id: string, name: string) =>
      send({ method: 'PATCH', path: `/api/user/me/sessions/${encodeURIComponent(id)}`, body: { name } }),
    revokeSession: (id: string) => send({ method: 'DELETE', path: `/api/user/me/sessions/${encodeURIComponent(id)}` }),
    revokeOtherSessions: () => send({ method: 'DELETE', path: '/api/user/me/sessions' }),

    changePassword: (oldPassword: string, newPassword: string) =>
      send({ method: 'POST', path: '/api/user/password', body: { oldPassword, newPassword } }),

    list: async (cursor: string | undefined) =>
      (await send({ method: 'GET', path: '/api/sync', query: { cursor, limit: 100 } })) as SyncPage,
    item: async (id: string) => (await send({ method: 'GET', path: conversation(id) })) as ConversationItem,
    log: async (id: string, after: number) =>
      (await send({ method: 'GET', path: conversation(id, '/log'), query: { after, limit: 200 } })) as LogPage,
    /** The messages before `seq`, newest page first, each page oldest first. */
    messages: async (id: string, before: number, limit: number) =>
      (await send({ method: 'GET', path: conversation(id, '/messages'), query: { before, limit } })) as MessagePage,
    /** The messages after `seq`, oldest page first. */
    newer: async (id: string, after: number, limit: number) =>
      (await send({ method: 'GET', path: conversation(id, '/messages'), query: { after, limit } })) as MessagePage,
    around: async (id: string, around: number, limit: number) =>
      (await send({ method: 'GET', path: conversation(id, '/messages'), query: { around, limit } })) as MessagePage,
    /** Around the first message of that time (RFC 3339) or later. */
    at: async (id: string, at: string, limit: number) =>
      (await send({ method: 'GET', path: conversation(id, '/messages'), query: { at, limit } })) as MessagePage,

    /** Those of these messages that one may see. */
    pick: async (id: string, seqs: readonly number[]) =>
      (
        (await send({
          method: 'GET',
          path: conversation(id, '/messages'),
          query: { seqs: seqs.join(',') },
        })) as MessagePage
      ).items,
    /** The first page above `after` that has any; none where there are none. */
    mentions: async (id: string, after: number) => {
      for (let from: number | undefined = after; from !== undefined; ) {
        const query = { after: from, limit: 50 }
        const page = (await send({ method: 'GET', path: conversation(id, '/mentions'), query })) as MentionsPage
        if (page.items.length > 0) return page.items
        from = page.nextAfter
      }
      return []
    },
    search: async (q: string, cursor: string | undefined, limit: number) =>
      (await send({ method: 'GET', path: '/api/search', query: { q, cursor, limit } })) as SearchPage,

    /** `key` makes a repeat the same change. */
    amend: async (id: string, seq: number, action: MessageAction, key: string) => {
      const request = requestOf(conversation(id, `/messages/${seq}`), action)
      return (await send({ ...request, headers: { 'idempotency-key': key } })) as SendReply
    },

    openDirect: async (userId: string) =>
      (await send({
        method: 'PUT',
        path: `/api/conversations/direct/${encodeURIComponent(userId)}`,
      })) as ConversationItem,
    /** `key` makes a repeat after a lost reply the same group. */
    createGroup: async (title: string, memberIds: readonly string[], key: string) =>
      (await send({
        method: 'POST',
        path: '/api/conversations',
        body: { title, memberIds },
        headers: { 'idempotency-key': key },
      })) as ConversationItem,
    changeGroup: async (id: string, details: { title?: string; description?: string }) =>
      (await send({ method: 'PATCH', path: conversation(id), body: details })) as ConversationItem,
    changeSettings: async (id: string, change: SettingsChange) =>
      (await send({ method: 'PATCH', path: conversation(id, '/settings'), body: change })) as Settings,
    changeOwn: async (id: string, change: OwnChange) =>
      (await send({ method: 'POST', path: conversation(id, '/own'), body: change })) as OwnChanged,
    own: async (id: string, after: number, limit: number) =>
      (await send({ method: 'GET', path: conversation(id, '/own'), query: { after, limit } })) as OwnPage,
    pins: async (id: string) =>
      ((await send({ method: 'GET', path: conversation(id, '/pins') })) as Pick<MessagePage, 'items'>).items,
    setTimer: async (id: string, afterMs: number | null) =>
      (await send({ method: 'PUT', path: conversation(id, '/timer'), body: { afterMs } })) as ConversationItem,
    starred: async (cursor: string | undefined) =>
      (await send({ method: 'GET', path: '/api/starred', query: { cursor } })) as StarredPage,
    /** `key` makes a repeat after a lost reply the same addition. */
    addMembers: (id: string, userIds: readonly string[], key: string) =>
      send({
        method: 'POST',
        path: conversation(id, '/members'),
        body: { userIds },
        headers: { 'idempotency-key': key },
      }),
    removeMember: (id: string, userId: string) =>
      send({ method: 'DELETE', path: conversation(id, `/members/${encodeURIComponent(userId)}`) }),
    setRole: (id: string, userId: string, role: Role) =>
      send({ method: 'PUT', path: conversation(id, `/members/${encodeURIComponent(userId)}/role`), body: { role } }),
    /** `key` makes a repeat after a lost reply the same invite. */
    createInvite: async (id: string, terms: InviteTerms, key: string) =>
      (await send({
        method: 'POST',
        path: conversation(id, '/invites'),
        body: terms,
        headers: { 'idempotency-key': key },
      })) as InviteItem,
    invites: async (id: string) =>
      ((await send({ method: 'GET', path: conversation(id, '/invites') })) as { items: InviteItem[] }).items,
    revokeInvite: (id: string, inviteId: string) =>
      send({ method: 'DELETE', path: conversation(id, `/invites/${encodeURIComponent(inviteId)}`) }),
    previewInvite: async (code: string) =>
      (await send({ method: 'GET', path: `/api/invites/${encodeURIComponent(code)}` })) as InvitePreview,
    joinByInvite: async (code: string) =>
      (await send({ method: 'POST', path: `/api/invites/${encodeURIComponent(code)}/join` })) as ConversationItem,
    members: async (id: string) =>
      ((await send({ method: 'GET', path: conversation(id, '/members') })) as { items: MemberItem[] }).items,
  }
}

function requestOf(
  path: string,
  action: MessageAction,
): { method: 'PATCH' | 'PUT' | 'DELETE'; path: string; body?: object } {
  switch (action.kind) {
    case 'edit':
      return { method: 'PATCH', path, body: { text: action.text } }
    case 'delete':
      return { method: 'DELETE', path }
    case 'react':
      return { method: action.on ? 'PUT' : 'DELETE', path: `${path}/reactions/${encodeURIComponent(action.emoji)}` }
    case 'pin':
      return { method: action.on ? 'PUT' : 'DELETE', path: `${path}/pin` }
    default:
      return action satisfies never
  }
}
