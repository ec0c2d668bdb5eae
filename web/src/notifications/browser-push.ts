import { PushRefused } from '@parley/sdk/push'
import type { PushAddress, PushSource } from '@parley/sdk/types'
import { addressIn } from './browser-address.ts'

/** Chromium tries for ever where its push service is away. */
const SUBSCRIBE_MS = 15_000

/** This browser's push service; undefined where it has none, or gives it only to pages that were loaded over HTTPS or from this machine. */
export function browserPush(window: Window & typeof globalThis): PushSource | undefined {
  const { navigator } = window
  if (!('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) return undefined
  const { serviceWorker: workers } = navigator
  const subscription = async (): Promise<PushSubscription | null> =>
    (await (await workers.getRegistration('/'))?.pushManager.getSubscription()) ?? null

  async function subscribe(publicKey: string): Promise<PushAddress> {
    // To subscribe asks for the permission where it is open, and nobody is asked but by a press.
    if (window.Notification.permission !== 'granted') throw new PushRefused('NotAllowedError')
    await workers.register('/worker.js', { scope: '/', updateViaCache: 'none' })
    const { pushManager } = await workers.ready
    const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey })
    const address = addressIn(made)
    if (!address) throw new PushRefused('NotSupportedError')
    return address
  }

  return {
    async current() {
      const found = await subscription()
      return found ? addressIn(found) : undefined
    },
    subscribe: (publicKey) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new PushRefused('TimeoutError')), SUBSCRIBE_MS)
        subscribe(publicKey)
          .then(resolve, (error: Error) =>
            reject(error instanceof PushRefused ? error : new PushRefused(error.name, { cause: error })),
          )
          .finally(() => clearTimeout(late))
      }),
    async unsubscribe() {
      await (await subscription())?.unsubscribe()
    },
  }
}
