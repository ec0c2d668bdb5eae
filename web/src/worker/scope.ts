/** What is used of a service worker's own scope. The compiler's library of it cannot be had beside that of pages, with the same names for other things. */
export interface WorkerScope {
  readonly registration: ServiceWorkerRegistration
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly PageClient[]>
    openWindow(url: string): Promise<PageClient | null>
    claim(): Promise<void>
  }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', handle: (event: Lasting) => void): void
  addEventListener(type: 'push', handle: (event: Lasting & { readonly data: PushData | null }) => void): void
  addEventListener(
    type: 'notificationclick',
    handle: (event: Lasting & { readonly notification: Notification }) => void,
  ): void
  addEventListener(type: 'pushsubscriptionchange', handle: (event: Lasting & SubscriptionChange) => void): void
}

/** The worker lives at least until what it waits for has ended. */
interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void
}

export interface PushData {
  json(): unknown
}

/** What browsers that know it say of the change; others leave both out. */
export interface SubscriptionChange {
  readonly oldSubscription?: PushSubscription | null
  readonly newSubscription?: PushSubscription | null
}

/** An open page of ours. */
export interface PageClient {
  readonly url: string
  readonly focused: boolean
  readonly visibilityState: DocumentVisibilityState
  focus(): Promise<PageClient>
  postMessage(message: unknown, transfer?: Transferable[]): void
}
