import type { Bus } from '@parley/kit/bus/bus'
import { openControl } from '@parley/kit/control'
import type { Http } from '@parley/kit/http'
import type { Log } from '@parley/kit/log'
import { openAuthentication } from '@parley/kit/sign-in'
import { openVerifier } from '@parley/kit/token'
import type { UserDirectory } from '@parley/protocol/internal'
import type { ChatDirectory } from '@parley/protocol/standing'
import { openAlerts } from './alerts/alerts.ts'
import { alertRoutes } from './alerts/routes.ts'
import type { Analytics } from './analytics/analytics.ts'
import type { Audit } from './audit/audit.ts'
import type { PushConfig } from './config.ts'
import { openFcm } from './fcm/fcm.ts'
import type { Metrics } from './metrics.ts'
import { openNotices } from './notices.ts'
import { startPush } from './push.ts'
import type { PushServices } from './push-service.ts'
import { openRegistration } from './registration.ts'
import { notificationRoutes } from './routes.ts'
import { openSelfTest } from './self-test.ts'
import { openSessionsOver } from './sessions-over.ts'
import type { NotificationStore } from './store/store.ts'
import { openStory } from './story.ts'
import { vapidOf } from './vapid.ts'
import { openWebPush } from './web-push.ts'

/** What this service asks of its siblings. */
export interface Siblings {
  users: UserDirectory
  chat: ChatDirectory
}

/** The wiring of what tells people of messages: decisions, pushes, and the routes by which they are set and asked about. */
export async function startTelling(needs: {
  store: NotificationStore
  siblings: Siblings
  bus: Bus
  http: Http
  keys: Record<'internal', Buffer>
  config: PushConfig
  /** Whoever runs this is reached there. */
  publicUrl: string
  metrics: Metrics
  analytics: Pick<Analytics, 'alerted'>
  audit: Pick<Audit, 'sessionRevoked' | 'deviceMoves'>
  /** Told of those who have something unread and are not here. */
  unread: (conversationId: string, userIds: readonly string[]) => Promise<void>
  /** Of a test: mail was planned; and whether nobody sends it. */
  mailPlanned: () => void
  capturesMail: boolean
  log: Log
  now?: () => number
}): Promise<AsyncDisposable> {
  const {
    store,
    siblings,
    bus,
    http,
    keys,
    config,
    publicUrl,
    metrics,
    unread,
    analytics,
    audit,
    log,
    now = Date.now,
  } = needs
  const { users, chat } = siblings
  const { mailPlanned, capturesMail } = needs
  await using stack = new AsyncDisposableStack()
  const over = stack.use(await openSessionsOver({ store, directory: users, revoked: audit.sessionRevoked, log, now }))
  const control = stack.use(await openControl({ directory: users, bus, log, revoked: over.look }))
  let stopping = false
  stack.defer(() => {
    stopping = true
  })
  const authenticate = openAuthentication(
    openVerifier(() => users.jwks()),
    control,
    () => stopping,
  )

  const vapid = config.vapid ?? vapidOf(keys.internal)
  const subject = publicUrl.startsWith('https:') ? publicUrl : 'mailto:nobody@localhost'
  const fcm = config.fcm && stack.use(await openFcm(config.fcm, log))
  if (fcm) stack.use(http.ready('fcm', async () => fcm.state()))
  const services: PushServices = { webpush: openWebPush(vapid, subject, config.content), ...(fcm && { fcm }) }
  const push = stack.use(
    startPush({
      store,
      chat,
      services,
      ...(config.retryMs && { retryMs: config.retryMs }),
      log,
      now,
      settled: (outcome) => metrics.settled('push', outcome),
      answered: metrics.answered,
    }),
  )
  stack.use(await openNotices({ store, chat, bus, log, unread, planned: push.wake }, { graceMs: config.graceMs, now }))
  stack.use(await openAlerts({ store: store.alerts, chat, users, alerted: analytics.alerted, bus, now }))
  const registration = openRegistration({
    devices: store.devices,
    stillSignedIn: control.check,
    moves: audit.deviceMoves,
    hosts: config.hosts,
    hasFcm: fcm !== undefined,
    now,
  })
  // Until it is known who is signed in, whoever asks is refused: others should be asked.
  stack.use(http.ready('notification-sign-in', async () => (control.known ? 'up' : 'down')))
  http.routes.use(
    notificationRoutes({
      authenticate,
      registration,
      preferences: store.preferences,
      story: openStory(store, chat, now),
      selfTest: openSelfTest({
        store,
        users,
        capturesMail,
        planned() {
          push.wake()
          mailPlanned()
        },
        now,
      }),
      publicKey: vapid.publicKey,
      hasFcm: fcm !== undefined,
      fcmWeb: config.fcm?.web,
      alerts: alertRoutes({ store: store.alerts, users, bus }),
    }),
  )
  return stack.move()
}
