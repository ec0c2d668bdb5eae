import { atMostEach } from '@parley/kit/at-most-each'
import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import { holdsKey } from '@parley/kit/internal-key'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import { forgetOldAlerts } from './alerts/expiry.ts'
import { type Analytics, startAnalytics } from './analytics/analytics.ts'
import { analyticsRoutes } from './analytics/routes.ts'
import { type Audit, startAudit } from './audit/audit.ts'
import { auditRoutes } from './audit/routes.ts'
import { capturedMailer } from './captured-mail.ts'
import type { CapturedMail } from './captured-page.ts'
import type { AuditConfig, MailConfig } from './config.ts'
import type { Digests } from './mail/digest.ts'
import { type MailPace, startMail } from './mail.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { smtpMailer } from './smtp.ts'
import { ALERTS_KEPT_MS } from './store/alerts.ts'
import { KEPT_MS } from './store/deliveries.ts'
import { DIGESTS_KEPT_MS } from './store/digests.ts'
import type { NotificationStore } from './store/store.ts'
import { ROUNDS_KEPT_MS, WATCHES_KEPT_MS } from './store/watches.ts'
import { openSuspensions } from './suspension.ts'

/** The notification service, for the process it is in. Disposing of it stops its work and closes its store. */
export interface NotificationService extends AsyncDisposable {
  /** Where mail is captured: what there is. */
  readonly captured?: CapturedMail
  readonly metrics: Metrics
  readonly analytics: Pick<Analytics, 'alerted'>
  readonly audit: Pick<Audit, 'sessionRevoked' | 'deviceMoves'>
  /** Mail was planned. */
  mailPlanned(): void
}

/** The wiring of the notification service. `now` is the clock of the ledger. */
export async function startNotification(needs: {
  store: NotificationStore
  bus: Bus
  http: Http
  keys: Record<'internal', Buffer>
  config: { mail: MailConfig; publicUrl: string; audit: AuditConfig }
  digests: Digests
  users: Pick<UserDirectory, 'find'>
  log: Log
  now?: () => number
  /** How long things take; tests are in a hurry. */
  pace?: MailPace
}): Promise<NotificationService> {
  const { store, bus, http, keys, config, digests, users, log, now = Date.now, pace } = needs
  await using stack = new AsyncDisposableStack()
  stack.use(store)
  const analytics = stack.use(await startAnalytics({ store: store.analytics, bus, log, now }))
  const metrics = openMetrics(http, bus, store, analytics)
  http.internal.use(analyticsRoutes(analytics, keys.internal))
  const { audited: added } = metrics
  const audit = stack.use(await startAudit({ store: store.audit, bus, ...config.audit, added, now }))
  http.internal.use(auditRoutes(audit, keys.internal))
  const suspensions = openSuspensions(store.addresses, now)
  const mailer = stack.use(
    config.mail === 'captured'
      ? capturedMailer(store.captured, config.publicUrl, now)
      : smtpMailer({ ...pace, url: config.mail.smtpUrl, from: config.mail.from, origin: config.publicUrl }),
  )
  const mail = stack.use(
    await startMail({
      ...pace,
      deliveries: store.deliveries,
      suspensions,
      users,
      refused: audit.addressRefused,
      digests,
      preferences: store.preferences,
      mailer,
      bus,
      log,
      now,
      settled: (outcome) => metrics.settled('mail', outcome),
    }),
  )
  const captured = config.mail === 'captured' ? { list: () => store.captured.list(now()) } : undefined
  if (captured)
    http.internal.get('/internal/mail', holdsKey(keys.internal), async (_req, res) => {
      res.set('Cache-Control', 'no-store').json({ items: await captured.list() })
    })
  stack.use(
    http.ready(
      'notification-store',
      atMostEach(1_000, () => store.check().then(() => 'up' as const)),
    ),
  )
  stack.use(http.ready('bus', async () => (bus.state === 'up' ? 'up' : 'degraded')))
  stack.use(http.ready('mail', async () => mailer.state()))
  stack.use(startPurge())
  const running = stack.move()
  return {
    ...(captured && { captured }),
    metrics,
    analytics,
    audit,
    mailPlanned: mail.wake,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }

  /** Forgets what is kept no longer, now and each hour, in bounded steps. */
  function startPurge(): Disposable {
    let stopped = false
    async function purge(): Promise<void> {
      await suspensions.purge()
      // A link that has ended is forgotten, though nobody looks.
      await captured?.list()
      while (!stopped && (await store.deliveries.purge(now() - KEPT_MS, PURGED_AT_ONCE)) === PURGED_AT_ONCE);
      while (!stopped && (await store.digests.purge(now() - DIGESTS_KEPT_MS, PURGED_AT_ONCE)) === PURGED_AT_ONCE);
      await audit.purge(() => stopped)
      while (!stopped && (await store.watches.prune(now() - WATCHES_KEPT_MS, PURGED_AT_ONCE)) === PURGED_AT_ONCE);
      while (!stopped && (await store.watches.purge(now() - ROUNDS_KEPT_MS, PURGED_AT_ONCE)) === PURGED_AT_ONCE);
      // Last, since it waits for the bus.
      await forgetOldAlerts(store.alerts, bus, now() - ALERTS_KEPT_MS, () => stopped)
    }
    const run = (): void =>
      void purge().catch((error: Error) => log.warn({ cause: error.message }, 'old notices not purged'))
    run()
    const timer = setInterval(run, HOUR_MS).unref()
    return {
      [Symbol.dispose]() {
        stopped = true
        clearInterval(timer)
      },
    }
  }
}

const HOUR_MS = 3_600_000
const PURGED_AT_ONCE = 500
