import type { Browser, PushService } from '@parley/infra/push-service'
import type { BrowserContext } from 'playwright-core'

/** A browser whose push service is one on this machine, since no browser subscribes anywhere but at its maker's. */
export interface Subscribing {
  /** As it is subscribed now. */
  readonly browser: Browser | undefined
  serve(context: BrowserContext): Promise<void>
}

type Subscription = Browser['subscription'] & { key: string }

export function subscribesAt(push: PushService): Subscribing {
  let browser: Browser | undefined
  return {
    get browser() {
      return browser
    },
    async serve(context) {
      await context.exposeFunction('subscribeAtPushService', (key: string): Subscription => {
        browser = push.subscribe(key)
        return { ...browser.subscription, key }
      })
      await context.exposeFunction('unsubscribeAtPushService', () => {
        if (browser) push.unsubscribe(browser)
        browser = undefined
      })
      await context.addInitScript(subscribing)
    },
  }
}

/** In the page: the browser's `PushManager`, at the push service of the test; a subscription outlives its page. */
function subscribing(): void {
  const page = window as unknown as {
    subscribeAtPushService(key: string): Promise<Subscription>
    unsubscribeAtPushService(): Promise<void>
  }
  const KEPT = 'test.subscription'
  const bytesOf = (text: string): ArrayBuffer =>
    Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0)).buffer
  const textOf = (bytes: ArrayBuffer): string =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
  const subscription = ({ endpoint, keys, key }: Subscription) => ({
    endpoint,
    options: { userVisibleOnly: true, applicationServerKey: bytesOf(key) },
    getKey: (name: 'p256dh' | 'auth') => bytesOf(keys[name]),
    toJSON: () => ({ endpoint, keys }),
    async unsubscribe() {
      localStorage.removeItem(KEPT)
      await page.unsubscribeAtPushService()
      return true
    },
  })
  Object.assign(PushManager.prototype, {
    async getSubscription() {
      const kept = localStorage.getItem(KEPT)
      return kept === null ? null : subscription(JSON.parse(kept))
    },
    async subscribe({ applicationServerKey: key }: { applicationServerKey: string | Uint8Array<ArrayBuffer> }) {
      const made = await page.subscribeAtPushService(typeof key === 'string' ? key : textOf(key.buffer))
      localStorage.setItem(KEPT, JSON.stringify(made))
      return subscription(made)
    },
  })
}
