import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import { readKeys } from '@parley/kit/keys'
import type { Log } from '@parley/kit/log'
import { type NotificationService, startNotification } from './app.ts'
import type { NotificationConfig } from './config.ts'
import { openDigests } from './mail/digest.ts'
import { startDigestRounds } from './mail/digest-rounds.ts'
import { openUnsubscribe } from './mail/unsubscribe.ts'
import { unsubscribeRoutes } from './mail/unsubscribe-routes.ts'
import { sqliteStore } from './store/sqlite.ts'
import type { NotificationStore } from './store/store.ts'
import { type Siblings, startTelling } from './tell.ts'

export { showCapturedMail } from './captured-page.ts'
export { notificationConfig, pageSources } from './config.ts'

/** Opens the notification service on `http` and `bus`, which stay the caller's to close, after this. Throws when keys or store cannot be had. */
export async function openNotification(
  config: NotificationConfig,
  bus: Bus,
  http: Http,
  siblings: Siblings,
  log: Log,
): Promise<NotificationService> {
  const keys = readKeys(config.keyFile, ['internal'])
  const { publicUrl = `http://localhost:${http.port}`, mail, mailPace, push, digest } = config
  const store = await openStore(config.store)
  await using stack = new AsyncDisposableStack()
  const parts = { store, bus, http, keys, log }
  const { preferences } = store
  const { users } = siblings
  const unsubscribe = openUnsubscribe({ key: keys.internal, origin: publicUrl, preferences, users })
  const digests = openDigests({ ...siblings, preferences, unsubscribe, content: digest.content })
  const pace = mailPace && { pace: mailPace }
  const settings = { publicUrl, mail, audit: config.audit }
  const notification = stack.use(await startNotification({ ...parts, users, digests, config: settings, ...pace }))
  const { captured, metrics, analytics, audit, mailPlanned } = notification
  const rounds = stack.use(startDigestRounds({ store: store.digests, digests, log, planned: mailPlanned }, digest))
  const testMail = { mailPlanned, capturesMail: mail === 'captured' }
  http.bodiless.use(unsubscribeRoutes(unsubscribe, preferences))
  stack.use(
    await startTelling({
      ...parts,
      siblings,
      analytics,
      audit,
      config: push,
      publicUrl,
      metrics,
      unread: rounds.note,
      ...testMail,
    }),
  )
  const running = stack.move()
  return {
    ...(captured && { captured }),
    metrics,
    analytics,
    audit,
    mailPlanned,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function openStore(store: NotificationConfig['store']): Promise<NotificationStore> {
  if ('mongoUrl' in store) {
    // Loaded when it is used: the driver costs the all-in-one process a fifth of a second and 20 MB.
    const { mongoStore } = await import('./store/mongo.ts')
    return mongoStore(store.mongoUrl)
  }
  mkdirSync(dirname(store.sqlitePath), { recursive: true })
  return sqliteStore(store.sqlitePath)
}
