import assert from 'node:assert/strict'
import { createECDH, randomBytes, randomUUID } from 'node:crypto'
import type { InviteItem } from '@parley/protocol/conversation'
import { freshName, PASSWORD, type Person } from '../person.ts'
import {
  type At,
  anyone,
  leaders,
  members,
  owners,
  pair,
  pairUnblocked,
  signedIn,
  type Table,
  visible,
} from './words.ts'

/** Signed in or not makes no difference. */
const NOBODY_MORE = { anonymous: 'absent' } as const

/** What every member may do with any message, whoever has blocked whom: nobody else is told. */
const everyMessage = {
  ownMessage: members(),
  othersMessage: members(),
  ownDirectMessage: pair(),
  othersDirectMessage: pair(),
}

/**
 * Who gets what: each route by the name it has in `protocol/operations.ts`, with the answer to every kind of asker. `accessHolds`
 * (check.ts) asks all of it, and fails where a route or a cell is missing here. words.ts explains the words; every exception from
 * them is written out.
 */
export const ROUTES: Table = {
  // ── People and sessions
  register: { body: () => newAccount(), self: anyone() },
  logIn: { body: ({ me }) => ({ email: me.email, password: PASSWORD, tokens: 'body' }), self: anyone() },
  refresh: { body: ({ me }) => ({ refreshToken: me.refreshToken }), self: anyone(), lastAct: true },
  logOut: { self: signedIn(), lastAct: true },
  getMe: { self: signedIn() },
  deleteAccount: { body: () => ({ password: PASSWORD, messages: 'keep' }), self: signedIn(), lastAct: true },
  exportAccount: { self: signedIn() },
  listSessions: { self: signedIn() },
  nameSession: { body: () => ({ name: 'Phone' }), ownSession: signedIn(), othersSession: signedIn('not_found') },
  endSession: { ownSession: signedIn(), othersSession: signedIn('not_found'), lastAct: true },
  endOtherSessions: { self: signedIn() },
  changePassword: {
    body: () => ({ oldPassword: PASSWORD, newPassword: 'another-Pass-77' }),
    self: signedIn(),
    lastAct: true,
  },
  askForPassword: { body: ({ me }) => ({ email: me.email }), self: anyone() },
  // Whoever holds the secret of a link may use it, and nobody else.
  resetPassword: { body: () => ({ token: 'guessed', newPassword: PASSWORD }), self: signedIn('absent', NOBODY_MORE) },
  changeEmail: { body: ({ me }) => ({ email: `new-${me.email}`, password: PASSWORD }), self: signedIn() },
  confirmEmail: { body: () => ({ token: 'guessed' }), self: signedIn('absent', NOBODY_MORE) },
  findUser: { query: ({ username }) => ({ username }), user: visible('nothing') },
  searchUsers: { query: ({ username }) => ({ q: username }), user: visible('nothing') },
  getUser: { user: visible() },
  getKeys: { self: anyone() },

  // ── Profiles
  getOwnProfile: { self: signedIn() },
  changeOwnProfile: { body: () => ({ bio: 'Here' }), self: signedIn() },
  // A profile is for nobody who has blocked its owner either.
  getProfile: { user: visible('not_found', { blocker: 'not_found' }) },
  readProfileChanges: {
    body: ({ userId }) => ({ known: [{ id: userId, viewRev: 99 }] }),
    user: visible('nothing', { blocker: 'nothing' }),
    harmless: true,
  },

  // ── Contacts
  listContacts: { self: signedIn() },
  getContact: { user: visible() },
  askForFriendship: { user: visible('not_found', { blocker: 'action.forbidden' }) },
  takeBackRequest: { user: visible() },
  acceptRequest: { user: signedIn('absent', { friend: 'ok', blocked: 'not_found' }) },
  declineRequest: { user: visible() },
  endFriendship: { user: visible() },
  // One may block whom one cannot see, for instance after meeting in a group.
  block: { user: signedIn() },
  unblock: { user: visible() },

  // ── Conversations
  openDirect: { user: visible() },
  createGroup: { body: ({ userId }) => ({ title: 'New', memberIds: [userId] }), user: visible() },
  listConversations: { self: signedIn() },
  getConversation: { group: members(), direct: pair() },
  changeGroup: { body: () => ({ title: 'New' }), group: leaders(), direct: pair('action.forbidden') },
  changeSettings: { body: () => ({ archived: true }), group: members(), direct: pair() },
  listMembers: { group: members(), direct: pair() },
  addMembers: {
    body: ({ newcomer }) => ({ userIds: [newcomer.id] }),
    group: members(),
    direct: pair('action.forbidden'),
  },
  removeMember: [
    { as: 'another', group: leaders(), direct: pair('action.forbidden') },
    { as: 'oneself', path: ({ me }) => ({ userId: me.id }), group: members(), direct: pair('action.forbidden') },
  ],
  setRole: [
    { as: 'admin', body: () => ({ role: 'admin' }), group: owners(), direct: pair('action.forbidden') },
    { as: 'owner', body: () => ({ role: 'owner' }), group: owners(), direct: pair('action.forbidden') },
  ],

  // ── Invites
  createInvite: { body: () => ({ maxUses: 1 }), group: leaders(), direct: pair('action.forbidden') },
  listInvites: { group: leaders(), direct: pair('action.forbidden') },
  revokeInvite: { given: invite, group: leaders(), direct: pair('action.forbidden') },
  // Who has the link comes in, but who was removed.
  previewInvite: { given: invite, path: codeOf, group: signedIn('ok', { removed: 'not_found' }) },
  joinByInvite: { given: invite, path: codeOf, group: signedIn('ok', { removed: 'not_found' }) },

  // ── Messages
  sendMessage: [
    { body: ({ conversationId }) => text({ receiverId: conversationId }), group: members(), direct: pairUnblocked() },
    {
      as: 'as an answer',
      body: ({ conversationId, seq }) => text({ receiverId: conversationId, replyTo: seq }),
      group: members(),
      direct: pairUnblocked(),
    },
    {
      as: 'for the first time',
      body: ({ userId }) => text({ receiverId: userId }),
      user: visible('not_found', { blocker: 'action.forbidden' }),
    },
  ],
  getHistory: [
    { group: members(), direct: pair() },
    { path: ({ userId }) => ({ receiverId: userId }), user: visible() },
  ],
  listMessages: { group: members(), direct: pair() },
  listMentions: { group: members(), direct: pair() },
  raiseMarks: { body: () => ({ readSeq: 1 }), group: members(), direct: pair() },
  editMessage: {
    body: () => ({ text: 'New' }),
    ownMessage: members(),
    othersMessage: members('action.forbidden'),
    ownDirectMessage: pairUnblocked(),
    othersDirectMessage: pair('action.forbidden'),
  },
  deleteMessage: {
    ownMessage: members(),
    othersMessage: leaders(),
    ownDirectMessage: pair(),
    othersDirectMessage: pair('action.forbidden'),
  },
  react: {
    ownMessage: members(),
    othersMessage: members(),
    ownDirectMessage: pairUnblocked(),
    othersDirectMessage: pairUnblocked(),
  },
  takeBackReaction: {
    ownMessage: members(),
    othersMessage: members(),
    ownDirectMessage: pairUnblocked(),
    othersDirectMessage: pairUnblocked(),
  },
  getVersions: {
    ownMessage: members(),
    othersMessage: members('action.forbidden'),
    ownDirectMessage: pair(),
    othersDirectMessage: pair('action.forbidden'),
  },

  // ── Notifications
  getPushKey: { self: signedIn() },
  whyPushed: {
    query: ({ conversationId, seq }) => ({ conversationId, seq: String(seq) }),
    ...everyMessage,
  },
  getPreferences: { self: signedIn() },
  changePreferences: { body: () => ({ push: true }), self: signedIn() },
  // Whoever holds the link of a mail may use it, and nobody else.
  askUnsubscribe: { query: () => ({ token: 'guessed' }), self: signedIn('absent', NOBODY_MORE) },
  unsubscribe: { query: () => ({ token: 'guessed' }), self: signedIn('absent', NOBODY_MORE) },
  testNotices: { self: signedIn() },
  listAlerts: { self: signedIn() },
  readAlerts: { body: () => ({ ids: [randomUUID()] }), self: signedIn() },
  listDevices: { self: signedIn() },
  registerDevice: { body: () => browser(), self: signedIn() },
  removeDevice: [
    { as: 'one’s own', given: ({ me }) => device(me), path: deviceOf, self: signedIn() },
    { as: 'of another', given: ({ other }) => device(other), path: deviceOf, self: signedIn('absent') },
  ],

  searchMessages: {
    query: ({ conversationId }) => ({ q: `in:${conversationId}` }),
    group: signedIn('nothing', { blocked: 'ok', blocker: 'ok', member: 'ok', admin: 'ok', owner: 'ok' }),
    direct: signedIn('nothing', { blocked: 'ok', blocker: 'ok', member: 'ok' }),
  },
  starMessage: everyMessage,
  unstarMessage: everyMessage,
  hideMessage: everyMessage,
  showMessage: everyMessage,
  changeOwn: { body: ({ seq }) => ({ seqs: [seq], starred: true }), group: members(), direct: pair() },
  readOwn: { query: () => ({ after: '0' }), group: members(), direct: pair() },
  listStarred: { self: signedIn() },
  pinMessage: {
    ownMessage: leaders(),
    othersMessage: leaders(),
    ownDirectMessage: pairUnblocked(),
    othersDirectMessage: pairUnblocked(),
  },
  unpinMessage: {
    ownMessage: leaders(),
    othersMessage: leaders(),
    ownDirectMessage: pairUnblocked(),
    othersDirectMessage: pairUnblocked(),
  },
  listPins: { group: members(), direct: pair() },
  setTimer: { body: () => ({ afterMs: 3_600_000 }), group: leaders(), direct: pairUnblocked() },

  // ── Sync
  sync: { self: signedIn() },
  exportConversations: { self: signedIn() },
  readLog: { query: () => ({ after: '0' }), group: members(), direct: pair() },

  // ── Operation
  isAlive: { self: anyone() },
  isReady: { self: anyone() },
  getOpenApi: { self: anyone() },
  getAsyncApi: { self: anyone() },
  getReference: { self: anyone() },
  getReferenceStyle: { self: anyone() },
  showMail: { self: anyone(), only: 'all-in-one' },
  getMail: { self: anyone(), only: 'all-in-one' },
}

/** The same of what is said over the socket, by the names in `protocol/channels.ts`. */
export const EVENTS: Table = {
  'message.send': [
    { body: ({ conversationId }) => said({ conversationId }), group: members(), direct: pairUnblocked() },
    {
      as: 'for the first time',
      body: ({ userId }) => said({ receiverId: userId }),
      user: visible('not_found', { blocker: 'action.forbidden' }),
    },
  ],
  'receipt.delivered': {
    body: ({ conversationId }) => ({ conversationId, upToSeq: 1 }),
    group: members(),
    direct: pair(),
  },
  'receipt.read': { body: ({ conversationId }) => ({ conversationId, upToSeq: 1 }), group: members(), direct: pair() },
  // Where one blocks the other it is taken, and told to nobody.
  'typing.start': {
    body: ({ conversationId }) => ({ conversationId }),
    group: members(),
    direct: pair(),
    harmless: true,
  },
  'typing.stop': {
    body: ({ conversationId }) => ({ conversationId }),
    group: members(),
    direct: pair(),
    harmless: true,
  },
  'presence.subscribe': {
    body: ({ userId }) => ({ userIds: [userId] }),
    user: signedIn('nothing', { friend: 'ok', member: 'ok', admin: 'ok', owner: 'ok' }),
    harmless: true,
  },
  'presence.active': { body: () => ({ active: true }), self: signedIn(), harmless: true },
  sync: [
    { body: () => ({}), self: signedIn(), harmless: true },
    {
      as: 'of one conversation',
      body: ({ conversationId }) => ({ conversationId, rev: 0 }),
      group: members(),
      direct: pair(),
      harmless: true,
    },
  ],
  'session.refresh': {
    body: ({ token }) => ({ token }),
    ownSession: signedIn(),
    othersSession: signedIn('auth.invalid'),
    harmless: true,
  },
}

const newAccount = () => {
  const username = freshName('new')
  return { username, email: `${username}@example.com`, password: PASSWORD }
}
const text = (to: object) => ({ ...to, message: 'Hello' })
const said = (to: object) => ({ ...to, id: randomUUID(), text: 'Hello' })

/** An invite to the group. */
async function invite(at: At): Promise<Record<string, string>> {
  const made = await at.owner.post<InviteItem>(`/api/conversations/${at.conversationId}/invites`, {})
  const { id = randomUUID(), code = '' } = made.body
  return { inviteId: id, code, of: at.conversationId }
}

/** Of a conversation that does not exist nobody has a code. */
function codeOf(at: At): Record<string, string> {
  const { code = '', of } = at as At & { code?: string; of?: string }
  return { code: at.conversationId === of ? code : 'A'.repeat(64) }
}

/** What a browser says of itself; the key is a point of the curve. */
const browser = () => {
  const curve = createECDH('prime256v1')
  return {
    endpoint: `https://updates.push.services.mozilla.com/wpush/v2/${randomUUID()}`,
    keys: { p256dh: curve.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') },
  }
}

/** A device of that person that is registered for pushes. */
async function device(person: Person): Promise<{ deviceId: string }> {
  const { status, body } = await person.post<{ id: string }>('/api/devices', browser())
  assert.equal(status, 201, JSON.stringify(body))
  return { deviceId: body.id }
}

function deviceOf(at: At): Record<string, string> {
  const { deviceId = 'none' } = at as At & { deviceId?: string }
  return { id: deviceId }
}
