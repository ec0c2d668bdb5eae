import type { ContactItem } from '@parley/protocol/contact'
import type { MemberItem } from '@parley/protocol/conversation'
import type { ServerEvents } from '@parley/protocol/socket'
import type { PublicUser } from '@parley/protocol/user'
import { openAccount } from './account.ts'
import { openAlerts } from './alerts.ts'
import { openApi } from './api.ts'
import { openConnection } from './connection.ts'
import { openContacts } from './contacts.ts'
import { openEmitter } from './emitter.ts'
import { asParleyError, deviceError } from './error.ts'
import { exportData } from './export.ts'
import { openHttp } from './http.ts'
import { indexedDbStorage } from './indexeddb.ts'
import { memoryStorage } from './memory.ts'
import { whenNetworkChanges } from './network.ts'
import { openNotifications } from './notifications.ts'
import { orMemory } from './or-memory.ts'
import { openPresence } from './presence.ts'
import { openProfiles } from './profiles.ts'
import { openPush } from './push.ts'
import { openRepeatKeys } from './repeat-key.ts'
import { openSession } from './session.ts'
import { openSpace, type Space } from './space.ts'
import { derived, writable } from './store.ts'
import { openTimelines } from './timelines.ts'
import type { ClientEvents, ClientOptions, ConnectionState, OutboxItem, ParleyClient } from './types.ts'

export { ParleyError } from './error.ts'
export type * from './types.ts'

const GAP_WAIT_MS = 150
const NOTHING: readonly OutboxItem[] = []

/** One device of one user, on one server. Does nothing by itself until `register`, `login` or `resume`, and `connect`. */
export function createClient(options: ClientOptions = {}): ParleyClient {
  const url = options.url ?? globalThis.location?.origin
  if (!url) throw new TypeError('createClient needs the url of the server')
  const storage = options.storage ?? (typeof indexedDB === 'undefined' ? memoryStorage() : orMemory(indexedDbStorage()))
  const events = openEmitter<ClientEvents>()
  const connectionState = writable<ConnectionState>('offline')
  const stirred = derived(() => ({}))
  const repeatable = openRepeatKeys()
  let space: Space | undefined
  let wanted = false

  const fetcher: typeof fetch = options.fetch ?? ((...request) => fetch(...request))
  const send = openHttp(url, fetcher)
  const session = openSession({
    send,
    storage,
    tokens: options.tokens ?? (typeof document === 'undefined' ? 'body' : 'cookie'),
    deviceName: options.deviceName,
    async signedIn(me) {
      space = await openSpace({
        me,
        storage,
        api,
        gapWaitMs: options.gapWaitMs ?? GAP_WAIT_MS,
        presence,
        events,
        state: setConnection,
        changed,
        met: (members) => profiles.know(members.flatMap(personIn)),
        seen: (userIds) => profiles.recall(userIds),
        gone(userId) {
          profiles.know([{ id: userId, username: '' }])
          renamed()
        },
        hides: () => contacts.blocked(),
        outboxChanged() {
          outbox.changed()
          timelines.changed()
          conversations.changed()
        },
        stir: stirred.changed,
        link: () => connection.link,
      })
      push.signedIn(me.id)
      outbox.changed()
      timelines.changed()
      conversations.changed()
      if (wanted) connection.connect()
    },
    async signedOut(leaves) {
      connection.disconnect()
      const left = space
      space = undefined
      presence.clear()
      contacts.clear()
      alerts.clear()
      profiles.clear()
      notifications.clear()
      await push.signedOut(leaves)
      await left?.close(true)
      outbox.changed()
      timelines.changed()
      conversations.changed()
    },
    renewed(token) {
      connection.link?.call('session.refresh', { token }).catch(() => connection.cut())
    },
  })
  const api = openApi(session.authorized)
  const contacts = openContacts(
    session.authorized,
    (item) => events.emit('contact', item),
    (items) => {
      profiles.know(items.map(personOf))
      profiles.stand(items)
    },
    (userIds) => space?.hid(userIds),
  )
  const alerts = openAlerts({
    send: session.authorized,
    told: (item) => events.emit('alert', item),
    readSeq: (conversationId) => space?.device.conversations.get(conversationId)?.held.readSeq,
  })
  const profiles = openProfiles(
    session.authorized,
    () => space?.me.id,
    (users) => {
      const people = space?.device.people
      const fresh = users.filter(({ id, username }) => people && !people.has(id) && username !== '')
      for (const { id, username } of users) people?.set(id, username)
      if (fresh.length > 0) renamed()
    },
  )
  const push = openPush({ source: options.push, send: session.authorized, storage, deviceName: options.deviceName })
  const notifications = openNotifications(session.authorized, push)
  const presence = openPresence((item) => events.emit('presence', item))

  function changed(conversationId: string): void {
    timelines.changed(conversationId)
    conversations.changed()
    alerts.look(conversationId)
    stirred.changed()
  }

  /** Whom something names may be shown otherwise, wherever that is. */
  function renamed(): void {
    timelines.changed()
    conversations.changed()
  }

  function setConnection(state: ConnectionState): void {
    if (state === connectionState.get()) return
    connectionState.set(state)
    events.emit('connection', state)
    stirred.changed()
  }

  const connection = openConnection({
    url,
    transports: options.transports ?? ['websocket', 'polling'],
    token: session.token,
    partition: session.partition,
    handlers: {
      ...relay('message.new'),
      ...relay('conversation.updated'),
      ...relay('conversation.settings'),
      ...relay('message.own'),
      ...relay('receipt.updated'),
      ...relay('typing.start'),
      ...relay('typing.stop'),
      ...relay('presence.changed'),
      'user.changed': profiles.heard,
      'contact.changed': contacts.heard,
      'alerts.changed': alerts.heard,
      'sync.hint': (data) => {
        alerts.hinted()
        space?.handlers['sync.hint'](data)
      },
      ...relay('cursor.expired'),
      ...relay('slow.consumer'),
      'session.revoked': ({ reason }) => void session.end(reason),
      'session.expired': () => {},
      'server.draining': () => {},
    },
    up(link) {
      contacts.up()
      alerts.up(link.gone)
      profiles.up(link.gone)
      push.up(link.gone)
      return space?.up(link)
    },
    down: setConnection,
  })

  /** What the server says goes to whoever is signed in then. */
  function relay<E extends keyof Space['handlers']>(event: E): Record<E, ServerEvents[E]> {
    const handle = (data: never): void => (space?.handlers[event] as ((data: never) => void) | undefined)?.(data)
    return { [event]: handle } as Record<E, ServerEvents[E]>
  }

  const outbox = derived(() => space?.outbox.items() ?? NOTHING)
  const conversations = derived(() => space?.views.conversations() ?? [])
  const timelines = openTimelines(() => space)
  const unwatch = whenNetworkChanges({
    back() {
      connection.hurry()
      space?.sync.now()
      // Asks over the socket too: one that is dead without knowing it is found out by the missing answer.
      if (connection.link) presence.up(connection.link)
    },
    gone: () => connection.cut(),
  })
  session.state.subscribe(() => events.emit('session', session.state.get()))

  /** A reply that is read as it comes, asked for with the access token; with a new one, once, when the first was refused. */
  async function stream(path: string): Promise<Response> {
    const ask = (token: string): Promise<Response> =>
      fetcher(new URL(path, url), { headers: { authorization: `Bearer ${token}` }, cache: 'no-store' })
    try {
      const token = await session.token()
      const reply = await ask(token)
      return reply.status === 401 ? ask(await session.token(token)) : reply
    } catch (error) {
      throw asParleyError(error)
    }
  }

  function signedIn(): Space {
    if (!space) throw deviceError('auth.invalid', 'Nobody is signed in on this device')
    return space
  }

  async function refreshed(conversationId: string): Promise<void> {
    signedIn().take(await api.item(conversationId))
  }

  return {
    session: session.state,
    connection: connectionState,
    conversations,
    outbox,
    presence: presence.state,
    contacts: contacts.view,
    alerts: alerts.view,
    people: profiles.people,
    profile: profiles.own,
    notifications: notifications.view,

    register: session.register,
    login: session.login,
    resume: session.resume,
    logout: session.logout,
    sessions: api.sessions,
    renameSession: async (id, name) => void (await api.renameSession(id, name)),
    revokeSession: async (id) => void (await api.revokeSession(id)),
    revokeOtherSessions: async () => void (await api.revokeOtherSessions()),

    changePassword: async (oldPassword, newPassword) => void (await api.changePassword(oldPassword, newPassword)),
    ...openAccount(
      send,
      session.authorized,
      (request) => session.endBy(request, 'deleted'),
      () => storage.clear(),
    ),

    exportData: () => exportData(stream),

    connect() {
      wanted = true
      if (space) connection.connect()
    },
    disconnect() {
      wanted = false
      connection.disconnect()
    },
    async settled(signal) {
      signal.throwIfAborted()
      space?.sync.now()
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (connectionState.get() !== 'live' || !space?.idle) return
          done(resolve)
        }
        const aborted = (): void => done(() => reject(signal.reason))
        const unsubscribe = stirred.subscribe(check)
        const done = (settle: () => void): void => {
          unsubscribe()
          signal.removeEventListener('abort', aborted)
          settle()
        }
        signal.addEventListener('abort', aborted)
        check()
      })
      await space?.flush()
    },
    async close() {
      wanted = false
      unwatch()
      connection.disconnect()
      session.close()
      await space?.close(false)
      await storage.close()
    },

    async findUser(username) {
      const user = await api.findUser(username)
      if (user) profiles.know([user])
      return user
    },
    async searchUsers(q) {
      const found = await api.searchUsers(q)
      profiles.know(found)
      return found
    },
    search: (q, { cursor, limit = 20 } = {}) => api.search(q, cursor, limit),
    async openDirect(userId) {
      return signedIn().take(await api.openDirect(userId))
    },
    async createGroup(title, memberIds) {
      const item = await repeatable([title, memberIds], (key) => api.createGroup(title, memberIds, key))
      return signedIn().take(item)
    },
    async renameGroup(conversationId, title) {
      signedIn().take(await api.changeGroup(conversationId, { title }))
    },
    async describeGroup(conversationId, description) {
      signedIn().take(await api.changeGroup(conversationId, { description }))
    },
    async addMembers(conversationId, userIds) {
      await repeatable(['add', conversationId, userIds], (key) => api.addMembers(conversationId, userIds, key))
      await refreshed(conversationId)
    },
    async removeMember(conversationId, userId) {
      await api.removeMember(conversationId, userId)
      if (userId === signedIn().me.id) signedIn().device.drop(conversationId)
      else await refreshed(conversationId)
    },
    async setRole(conversationId, userId, role) {
      await api.setRole(conversationId, userId, role)
      await refreshed(conversationId)
    },
    async leave(conversationId) {
      await api.removeMember(conversationId, signedIn().me.id)
      signedIn().device.drop(conversationId)
    },
    async members(conversationId) {
      const members = await api.members(conversationId)
      profiles.know(members.flatMap(personIn))
      return members
    },
    createInvite: (conversationId, terms = {}) =>
      repeatable(['invite', conversationId, terms], (key) => api.createInvite(conversationId, terms, key)),
    invites: api.invites,
    revokeInvite: async (conversationId, inviteId) => void (await api.revokeInvite(conversationId, inviteId)),
    previewInvite: api.previewInvite,
    async joinByInvite(code) {
      return signedIn().take(await api.joinByInvite(code))
    },

    timeline: timelines.of,
    conversation(id) {
      const { settings, own, answers } = signedIn()
      return {
        ...settings.handle(id),
        setAnswer: (seq) => answers.set(id, seq),
        star: (seqs, on = true) => own.set(id, seqs, { starred: on }),
        hide: (seqs, on = true) => own.set(id, seqs, { hidden: on }),
      }
    },
    starred: api.starred,
    pin: async (conversationId, seq, on) => signedIn().outbox.pin(conversationId, seq, on),
    async pins(conversationId) {
      const { views } = signedIn()
      const found = await api.pins(conversationId).catch((error) => {
        if (asParleyError(error).problem.retryable) return []
        throw error
      })
      return views.pins(conversationId, found)
    },
    async setTimer(conversationId, afterMs) {
      signedIn().take(await api.setTimer(conversationId, afterMs))
    },
    async send(to, text, extras) {
      const { settings, outbox, views, answers } = signedIn()
      const id = views.target(to)
      settings.sent(id)
      // Not before it is kept: who is cut off in between still has what was begun.
      const item = await outbox.add(to, text, extras)
      if (extras?.replyTo !== undefined && answers.of(id) === extras.replyTo) answers.set(id, null)
      return item
    },
    mentions: api.mentions,
    edit: async (message, text) => signedIn().outbox.change(message, { kind: 'edit', text }),
    delete: async (message) => signedIn().outbox.change(message, { kind: 'delete' }),
    react: async (message, emoji, on) => signedIn().outbox.change(message, { kind: 'react', emoji, on }),
    retry: async (id) => signedIn().outbox.retry(id),
    discard: async (id) => signedIn().outbox.discard(id),
    markRead: (conversationId, seq) => space?.markRead(conversationId, seq),
    setTyping: (conversationId, on) => space?.setTyping(conversationId, on),
    watchPresence: (userIds) => presence.watch(userIds, connection.link),
    setActive: (active) => presence.use(active, connection.link),
    on: events.on,
  }
}

/** Whom a contact names, as far as it says. */
function personOf({ userId: id, username, displayName, colour }: ContactItem): PublicUser {
  return { id, username, ...(displayName !== undefined && { displayName }), ...(colour !== undefined && { colour }) }
}

/** Whom a member is. Of whom nobody could be asked there is no name, and nothing to know. */
const personIn = ({ userId: id, role: _, deleted, ...member }: MemberItem): PublicUser[] =>
  member.username || deleted ? [{ id, ...member }] : []
