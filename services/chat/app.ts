import type { KeyObject } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import { openControl } from '@parley/kit/control'
import type { Http } from '@parley/kit/http'
import type { Log } from '@parley/kit/log'
import { openRate } from '@parley/kit/rate'
import { openAuthentication } from '@parley/kit/sign-in'
import { openVerifier } from '@parley/kit/token'
import type { ControlEntry } from '@parley/protocol/events'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Limits } from '@parley/protocol/limits'
import type { ChatDirectory } from '@parley/protocol/standing'
import { openAlertNews } from './alert-news.ts'
import { openAmendments } from './amendments.ts'
import { openChange } from './change.ts'
import { openContentHash } from './content-hash.ts'
import { openConversations } from './conversations.ts'
import { openCursors } from './cursor.ts'
import { openExport } from './export.ts'
import { openExtras } from './extras.ts'
import { openAway } from './fanout/away.ts'
import { openFanout } from './fanout/fanout.ts'
import { openHints } from './fanout/hints.ts'
import { openHistory } from './history.ts'
import { internalRoutes } from './internal-routes.ts'
import { openItems } from './items.ts'
import { openInviteCodes } from './membership/invite-code.ts'
import { openInvites } from './membership/invites.ts'
import { openMembers, openNewcomers } from './membership/members.ts'
import { openRoom } from './membership/room.ts'
import { openMentions } from './mentions.ts'
import { openMessages } from './messages.ts'
import { openMetrics } from './metrics.ts'
import { openOwn } from './own.ts'
import { openBlocks } from './people/blocks.ts'
import { openContactNews } from './people/contact-news.ts'
import { openDepartures } from './people/departures.ts'
import { openDiscretion } from './people/discretion.ts'
import { openFriends } from './people/friends.ts'
import { openPeople } from './people/people.ts'
import { openPersonNews } from './people/person-news.ts'
import { openPins } from './pins.ts'
import { openPresence } from './presence/presence.ts'
import { openSight } from './presence/sight.ts'
import { openTyping } from './presence/typing.ts'
import { openWatchers } from './presence/watchers.ts'
import { openReceipts } from './receipts.ts'
import { openRelay } from './relay.ts'
import { chatRoutes } from './routes.ts'
import { openSearch } from './search.ts'
import { openOwnSettings } from './settings.ts'
import { openConnections } from './socket/connections.ts'
import { openEvents } from './socket/events.ts'
import { openGate } from './socket/gate.ts'
import { closeRevoked, openSockets } from './socket/socket.ts'
import { openStanding } from './standing.ts'
import type { ChatStore } from './store/store.ts'
import { openSweeper } from './sweeper.ts'
import { openSync } from './sync.ts'
import { openTimer } from './timer.ts'

/** What a chat node is made of. It closes what it opens, not what it is given. */
export interface ChatParts {
  store: ChatStore
  bus: Bus
  http: Http
  directory: UserDirectory
  config: { contentKey: KeyObject; internalKey: Buffer; origins: readonly string[]; limits: Limits }
  log: Log
}

export interface ChatService extends AsyncDisposable {
  /** What it answers to the other services. */
  readonly directory: ChatDirectory
}

/** Starts one chat node: all wiring, in the order in which it is closed from below. */
export async function startChat({ store, bus, http, directory, config, log }: ChatParts): Promise<ChatService> {
  const { contentKey, internalKey, origins, limits } = config
  await using stack = new AsyncDisposableStack()
  const connections = openConnections()
  const blocks = stack.use(await openBlocks({ directory, bus, log }))
  const discretion = stack.use(await openDiscretion({ directory, bus, log }))
  const friends = stack.use(await openFriends({ directory, bus, log }))
  const watchers = openWatchers(store, blocks, friends)
  const people = stack.use(await openPeople({ store: store.people, directory, bus, log }))
  const sight = openSight({ watchers, people, discretion, friends })
  const cursors = openCursors(contentKey, store.epoch)

  stack.use(await openAlertNews({ bus, connections }))
  stack.use(await openContactNews({ bus, people, connections, watchers, log }))
  const personNews = stack.use(await openPersonNews({ bus, connections, watchers, friends }))
  const metrics = openMetrics(http, connections, bus, store)
  const away = stack.use(openAway({ bus, log: store.log, logger: log }))
  const fanout = stack.use(
    await openFanout({
      log: store.log,
      bus,
      people,
      connections,
      logger: log,
      discretion,
      watchers: sight.tell,
      passed(entry) {
        metrics.passed(entry)
        away.note(entry)
      },
    }),
  )
  stack.use(openRelay({ log: store.log, bus, fanout, logger: log }))
  stack.use(openHints({ bus, inbox: store.inbox, connections, log }))
  const presence = stack.use(
    openPresence({ store: store.presence, watchers, sight, connections, discretion, friends, fanout, log }),
  )
  const hashOf = openContentHash(contentKey)
  const departures = stack.use(await openDepartures({ store, people, bus, fanout, hashOf, logger: log }))
  const revoked = (entry: ControlEntry): void => {
    closeRevoked(connections, entry)
    if (entry.kind !== 'user.deleted') return
    personNews.gone(entry.userId)
    departures.note(entry).catch((error) => log.warn({ err: error }, 'who has gone is heard of by the bus, too'))
  }
  const control = stack.use(await openControl({ directory, bus, log, revoked }))
  const verifier = openVerifier(() => directory.jwks())
  let stopping = false
  const authenticate = openAuthentication(verifier, control, () => stopping)

  const rate = openRate(limits.sendsPerSecond, limits.sendBurst)
  const mustHaveRoom = openRoom(store.inbox, limits)
  const mentions = openMentions({ log: store.log, people, blocks, limits })
  const extras = openExtras(store.log, mentions)
  const messages = openMessages({ store, people, blocks, fanout, rate, mustHaveRoom, extras, hashOf })
  const amendments = openAmendments({ store, fanout, blocks, mentions, rate, hashOf, limits })
  const items = openItems({ store, people, blocks, discretion, mentions, limits })
  const change = openChange({ log: store.log, fanout, hashOf })
  const newcomers = openNewcomers({ people, blocks, mustHaveRoom, limits })
  const conversations = openConversations({ store, items, fanout, messages, newcomers, change, hashOf })
  const members = openMembers({ log: store.log, items, newcomers, change })
  const codes = openInviteCodes(contentKey)
  const invites = openInvites({ log: store.log, items, newcomers, change, codes, limits })
  const syncing = openGate(limits.syncsAtOnce)
  const history = openHistory(store, items, cursors, syncing, limits)
  const receipts = stack.use(openReceipts(store, fanout, blocks, limits))
  const settings = openOwnSettings(store, fanout, limits)
  const pins = openPins(store, items)
  const timer = openTimer({ log: store.log, items, blocks, change, limits })
  stack.use(openSweeper({ log: store.log, logger: log }))
  const own = openOwn({ store, items, cursors, fanout, limits })
  const typing = stack.use(openTyping(store.log, fanout, blocks, discretion))
  const search = openSearch(store, items, cursors, directory)
  const sync = openSync(store, items, cursors, syncing)

  const exported = openExport({ store, items, control, gate: syncing, limits })
  const events = openEvents({ messages, receipts, typing, presence, sync, history, authenticate, control, limits, log })
  const reads = openRate(limits.readsPerSecond, limits.readBurst)
  const searches = openRate(limits.searchesPerSecond, limits.searchBurst)
  const settingChanges = openRate(limits.settingsPerSecond, limits.settingsBurst)
  const changes = openRate(limits.changesPerSecond, limits.changeBurst)
  http.routes.use(
    chatRoutes({
      authenticate,
      messages,
      amendments,
      mentions,
      conversations,
      members,
      invites,
      history,
      receipts,
      settings,
      own,
      pins,
      timer,
      sync,
      exported,
      search,
      people,
      blocks,
      reads,
      searches,
      settingChanges,
      changes,
      codes: openRate(limits.inviteLooksPerSecond, limits.inviteLookBurst),
    }),
  )
  stack.use(
    openSockets({
      http,
      origins,
      limits,
      authenticate,
      control,
      connections,
      events,
      fanout,
      presence,
      typing,
      log,
    }),
  )
  const standing = openStanding({ store, people, blocks, limits })
  http.internal.use(internalRoutes(standing, internalKey))
  stack.defer(() => {
    stopping = true
  })
  stack.use(http.ready('chat-store', async () => (store.healthy ? 'up' : 'down')))
  stack.use(http.ready('sign-in', async () => (control.known ? 'up' : 'down')))
  stack.use(http.ready('bus', async () => (bus.state === 'up' ? 'up' : 'degraded')))
  const closing = stack.move()
  return { directory: standing, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}
