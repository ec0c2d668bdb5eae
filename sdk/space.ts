import type { ConversationItem, Entry, MemberItem, MessageExtras } from '@parley/protocol/conversation'
import { mentionsOf } from '@parley/protocol/message-change'
import type { SendReply } from '@parley/protocol/socket'
import type { OwnUser } from '@parley/protocol/user'
import { openAnswers } from './answers.ts'
import type { Api } from './api.ts'
import type { ConnectionOptions, Link } from './connection.ts'
import { type DeviceHooks, openDevice } from './device.ts'
import type { Emitter } from './emitter.ts'
import { openExpiry } from './expiry.ts'
import type { StoredMessage } from './held.ts'
import { openJumps } from './jumps.ts'
import { openKeeper } from './keeper.ts'
import { openNames } from './names.ts'
import { type OutboxNews, openOutbox } from './outbox.ts'
import { openOwn } from './own.ts'
import { openPages } from './pages.ts'
import type { Presence } from './presence.ts'
import { openQuotes } from './quotes.ts'
import { openReceipts } from './receipts.ts'
import { openOwnSettings } from './settings.ts'
import { openSync } from './sync.ts'
import { joinTabs } from './tabs.ts'
import type { ClientEvents, ConnectionState, ConversationView, DeviceStorage, OutboxItem } from './types.ts'
import { openTyping } from './typing.ts'
import { openViews } from './views.ts'

type TabNews = OutboxNews | { kind: 'read'; conversationId: string; seq: number }

export interface SpaceOptions {
  me: OwnUser
  storage: DeviceStorage
  api: Api
  gapWaitMs: number
  presence: Presence
  events: Emitter<ClientEvents>
  state(state: ConnectionState): void
  /** Whom one has blocked, as far as known. */
  hides(): ReadonlySet<string>
  /** These are named in what is shown, by the names that are kept. */
  seen(userIds: Iterable<string>): void
  /** That user has deleted the account. */
  gone(userId: string): void
  /** These are in one of the conversations. */
  met(members: readonly MemberItem[]): void
  /** The view of a conversation, and so the list, changed. */
  changed(conversationId: string): void
  outboxChanged(): void
  /** `idle` may have changed. */
  stir(): void
  link(): Link | undefined
}

export type Space = Awaited<ReturnType<typeof openSpace>>

/** Everything one signed-in user has on this device, put together. Open from log-in to log-out. */
export async function openSpace(options: SpaceOptions) {
  const { me, storage, api, presence, events, changed, stir } = options
  const keeper = openKeeper(storage)
  let open = true
  const typing = openTyping((conversationId, userId, on) => {
    events.emit('typing', { conversationId, userId, on })
    changed(conversationId)
  })
  const leads = (): boolean => tabs.leads

  const names = openNames({
    me,
    storage,
    keeper,
    gone(userId) {
      views.renamed()
      options.gone(userId)
    },
  })
  const hooks: DeviceHooks = {
    changed(id) {
      changed(id)
      own.look(id)
      expiry.look(id)
    },
    applied: (id, rev, messages) => outbox.entered(id, rev, messages),
    message(message, held) {
      typing.heard(message.conversationId, message.senderId, false)
      events.emit('message', views.message(message, held))
    },
    met: options.met,
    stored: (id, seq) => receipts.stored(id, seq),
    behind: (id) => sync.behind(id),
    dropped(id) {
      receipts.dropped(id)
      settings.dropped(id)
      own.dropped(id)
      answers.dropped(id)
      outbox.dropped(id)
    },
    anew: () => own.anew(),
  }
  const device = openDevice(me, storage, keeper, leads, hooks, names)
  const views = openViews(
    device,
    () => outbox,
    typing,
    (held) => settings.of(held),
    () => quotes,
    options.hides,
    (id) => own.of(id),
    () => expiry,
    (id) => answers.of(id),
    options.seen,
  )
  const settings = openOwnSettings({ device, storage, keeper, api, changed, stir })
  const quotes = openQuotes(device, api, changed)
  const expiry = openExpiry({ device, storage, keeper })
  const own = openOwn({ device, storage, keeper, api, changed, stir })
  const answers = openAnswers({ device, storage, keeper, changed })
  const pages = openPages(device, storage, keeper, api, changed)
  const jumps = openJumps(device, pages, api, changed)
  const receipts = openReceipts({ device, storage, keeper, leads, stir })
  const sync = openSync({
    device,
    api,
    gapWaitMs: options.gapWaitMs,
    live() {
      options.state('live')
      quotes.up()
      for (const [id, { open }] of device.conversations) {
        if (!open) continue
        pages.open(id).catch(() => {})
        changed(id)
      }
    },
    synced: (page) => events.emit('synced', page),
    lost: (id) => outbox.dropped(id),
    stir,
  })
  const outbox = openOutbox({
    userId: me.id,
    storage,
    keeper,
    leads,
    target: views.target,
    post: (news) => tabs?.post(news),
    amend: api.amend,
    async find(conversationId, messageId) {
      const kept = (await storage.list(device.messagesPrefix(conversationId))) as [string, StoredMessage][]
      return kept.find(([, { id }]) => id === messageId)?.[1].seq
    },
    hooks: { acked, amended, refused: (item) => events.emit('refused', item), changed: outboxChanged },
  })

  const tabs = await joinTabs<TabNews>(storage.sharedAs && `${storage.sharedAs}/${me.id}`, {
    lead() {
      // Asked for first, before this tab keeps anything.
      const kept = device.kept()
      outbox
        .load()
        .then(async () => device.takeOver(await kept))
        .then(() => Promise.all([own.takeOver(), settings.takeOver()]))
        .catch((error) => console.error(error))
    },
    hear(news) {
      if (news.kind === 'read') receipts.markRead(news.conversationId, news.seq)
      else outbox.hear(news)
    },
  })
  await names.load()
  await device.load()
  await expiry.load()
  await settings.load()
  await own.load()
  await answers.load()
  await outbox.load()
  await receipts.load()

  function outboxChanged(): void {
    options.outboxChanged()
    stir()
  }

  /** One's own message, acknowledged: the first to know its place is this device. */
  function acked(reply: SendReply, item: OutboxItem): void {
    events.emit('acked', reply)
    const { conversationId, id, rev, seq, createdAt } = reply
    const conversation = device.conversations.get(conversationId)
    if (conversation && conversation.held.rev >= rev) {
      void keeper.save(outbox.entered(conversationId, conversation.held.rev, []))
      return
    }
    const membersRev = conversation?.held.facts.membersRev ?? 0
    const place = { conversationId, id, rev, seq, headSeq: seq, createdAt, membersRev }
    takeLive({ kind: 'message', senderId: me.id, text: item.text, ...place, ...carriedBy(reply, item) })
  }

  /** One's own change of a message has its place; it is done when the log is held up to there. */
  function amended({ conversationId, rev }: SendReply): void {
    const held = device.conversations.get(conversationId)?.held
    if (held && held.rev < rev) device.takeEntries(conversationId, [], rev)
    else void keeper.save(outbox.entered(conversationId, held?.rev ?? rev, []))
  }

  function takeLive(entry: Entry): void {
    if (device.conversations.has(entry.conversationId)) device.takeEntries(entry.conversationId, [entry])
    else sync.unknown(entry.conversationId)
  }

  const handlers: Omit<
    ConnectionOptions['handlers'],
    'user.changed' | 'contact.changed' | 'alerts.changed' | 'session.revoked' | 'session.expired' | 'server.draining'
  > = {
    'message.new'({ sender, ...message }) {
      if (sender) device.people.set(message.senderId, sender)
      takeLive(message)
    },
    'conversation.updated'(change) {
      if (!('gone' in change)) {
        for (const { id, username } of change.people ?? []) device.people.set(id, username)
        return takeLive(change.entry)
      }
      // Of one that was added again, the news may have come before this, and is not asked for a second time.
      if (device.left(change.conversationId, change.rev)) sync.unknown(change.conversationId)
    },
    'conversation.settings': (change) => device.takeSettings(change.conversationId, change.settings),
    'message.own': own.heard,
    'receipt.updated'({ conversationId, ...mark }) {
      device.takeMarks(conversationId, mark)
      // What is known by now: two nodes' news of one member may come in either order.
      const known = device.marksOf(conversationId, mark.userId)
      if (known) events.emit('receipt', { conversationId, ...known })
    },
    'typing.start': ({ conversationId, userId }) => typing.heard(conversationId, userId, true),
    'typing.stop': ({ conversationId, userId }) => typing.heard(conversationId, userId, false),
    'presence.changed': (item) => presence.heard(item),
    'sync.hint': () => sync.soon(),
    'cursor.expired': () => sync.anew(),
    'slow.consumer': () => {},
  }

  return {
    me,
    device,
    outbox,
    views,
    pages,
    jumps,
    sync,
    settings,
    own,
    answers,
    handlers,
    /** What the server said of a conversation outside the list. One that is new to the device may be new to its cursor too. */
    take(item: ConversationItem): ConversationView {
      const isNew = !device.conversations.has(item.id)
      device.takeItem(item)
      if (isNew) sync.now()
      return views.conversation(item.id)!
    },
    up(link: Link) {
      expiry.heard(link.serverTime)
      options.state('syncing')
      void sync.follow(link)
      outbox.up(link)
      receipts.up(link)
      settings.up(link)
      own.up(link)
      presence.up(link)
    },
    markRead(conversationId: string, seq: number) {
      receipts.markRead(conversationId, seq)
      tabs.post({ kind: 'read', conversationId, seq })
    },
    hid: device.hid,
    setTyping: (conversationId: string, on: boolean) => typing.set(conversationId, on, options.link()),
    /** Nothing on its way in either direction. */
    get idle() {
      const told = receipts.idle && settings.idle && own.idle
      return open && sync.idle && told && outbox.items().every((item) => item.refused)
    },
    flush: () => keeper.flush(),
    /** Stops all work. With `drop` nothing is written any more; else what waits is. */
    async close(drop: boolean) {
      open = false
      sync.stop()
      receipts.stop()
      settings.stop()
      own.stop()
      expiry.stop()
      outbox.stop()
      typing.clear()
      await keeper.stop(drop)
      // Only now: the tab that leads next must not be written over.
      tabs.close()
    },
  }
}

/** What one's own message carries: what was asked for, and what the server made of it. */
function carriedBy(reply: SendReply, { replyTo, forwarded }: OutboxItem): MessageExtras {
  return {
    ...(replyTo !== undefined && { replyTo }),
    ...mentionsOf(reply),
    ...(forwarded && { forwarded }),
    ...(reply.expiresAt !== undefined && { expiresAt: reply.expiresAt }),
  }
}
