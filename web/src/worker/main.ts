import { openHttp } from '@parley/sdk/http'
import { indexedDbStorage } from '@parley/sdk/indexeddb'
import { registerFromWorker } from '@parley/sdk/push'
import { addressIn, keyIn } from '../notifications/browser-address.ts'
import { deviceName } from '../state/device-name.ts'
import { noticeOf, readBody } from './notice.ts'
import type { PageClient, PushData, SubscriptionChange, WorkerScope } from './scope.ts'
import { addressOf, messagesIn, type NoticeData, type ToPage } from './words.ts'

// The service worker: shows what is pushed while no page is in use, and leads from there to the message. It keeps nothing, and no request of
// a page passes through it.
const scope = self as unknown as WorkerScope

/** A page that does not answer by then is not in anybody's sight. */
const ANSWER_MS = 400

scope.addEventListener('install', () => void scope.skipWaiting())
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()))
scope.addEventListener('push', (event) => event.waitUntil(show(event.data)))
scope.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open((event.notification.data ?? {}) as NoticeData))
})
scope.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(changeAddress(event)))

const pages = (): Promise<readonly PageClient[]> =>
  scope.clients.matchAll({ type: 'window', includeUncontrolled: true })

async function show(data: PushData | null): Promise<void> {
  const body = readBody(jsonOf(data))
  const open = await pages()
  if (body && 'test' in body) tell(open, { kind: 'test-arrived', test: body.test })
  else if (body) {
    const { conversationId, seq } = body
    // Browsers let a push pass without a notice where a page is visible, and only there.
    const visible = open.filter(({ visibilityState }) => visibilityState === 'visible')
    const seen = await Promise.all(visible.map((page) => isSeen(page, { kind: 'seen?', conversationId, seq })))
    if (seen.includes(true)) return
  }
  const [before] = body ? await scope.registration.getNotifications({ tag: body.tag }) : []
  const { title, options } = noticeOf(body, before && { ...textsOf(before), data: before.data as NoticeData })
  await scope.registration.showNotification(title, options)
  // A page that is open knows how many are unread; else there are at least those that notices tell of.
  if (open.length === 0 && body && !('test' in body)) await showBadge().catch(() => undefined)
}

/** On the icon of the app, where it was installed and the browser has such a thing; an iPhone shows numbers only. */
async function showBadge(): Promise<void> {
  const all = await scope.registration.getNotifications()
  await navigator.setAppBadge?.(messagesIn(all.map(({ data }) => data as NoticeData | null)))
}

const textsOf = ({ title, body }: Notification): { title: string; body: string } => ({ title, body })

function jsonOf(data: PushData | null): unknown {
  try {
    return data?.json()
  } catch {
    return undefined
  }
}

function tell(open: readonly PageClient[], message: ToPage): void {
  for (const page of open) page.postMessage(message)
}

function isSeen(page: PageClient, question: ToPage): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    const end = (seen: boolean): void => {
      port1.close()
      resolve(seen)
    }
    setTimeout(end, ANSWER_MS, false)
    port1.onmessage = ({ data }) => end(data === true)
    page.postMessage(question, [port2])
  })
}

/** In a page that is open already, the one that shows that conversation or the one used last; else in a new one. */
async function open(data: NoticeData): Promise<void> {
  const { conversationId, seq } = data
  const all = await pages()
  const at = conversationId === undefined ? undefined : `/c/${conversationId}`
  const page = all.find(({ url }) => new URL(url).pathname === at) ?? all.find(({ focused }) => focused) ?? all[0]
  if (page) {
    const place = conversationId !== undefined && seq !== undefined
    page.postMessage((place ? { kind: 'open', conversationId, seq } : { kind: 'open-start' }) satisfies ToPage)
    // Where the browser does not bring it forward it is at the right place all the same.
    await page.focus().catch(() => undefined)
    return
  }
  await scope.clients.openWindow(addressOf(data))
}

async function changeAddress({ oldSubscription, newSubscription }: SubscriptionChange): Promise<void> {
  const { pushManager } = scope.registration
  const before = oldSubscription && keyIn(oldSubscription)
  const subscription =
    newSubscription ??
    (await pushManager.getSubscription()) ??
    (before && (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: before })))
  const address = subscription ? addressIn(subscription) : undefined
  if (address)
    await registerFromWorker({
      send: openHttp(location.origin, (...request) => fetch(...request)),
      storage: indexedDbStorage(),
      address,
      deviceName: deviceName(navigator.userAgent),
    })
  tell(await pages(), { kind: 'address-changed' })
}
