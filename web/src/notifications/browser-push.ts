import type { FcmWebConfig } from '@parley/protocol/notification'
import { PushRefused } from '@parley/sdk/push'
import type { PushAddress, PushSource } from '@parley/sdk/types'
import { addressIn } from './browser-address.ts'
import { openFcmToken } from './fcm-token.ts'

/** Chromium tries for ever where its push service is away. */
const SUBSCRIBE_MS = 15_000

/**
 * This browser's push service, or FCM where the operator has browsers register there; undefined where it has none, or gives it only to pages
 * that were loaded over HTTPS or from this machine.
 */
export function browserPush(window: Window & typeof globalThis): PushSource | undefined {
  const { navigator } = window
  if (!('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) return undefined
  const { serviceWorker: workers } = navigator
  const fcm = openFcmToken(window)
  const registered = () => workers.getRegistration('/')

  async function subscribe(publicKey: string, fcmWeb: FcmWebConfig | undefined): Promise<PushAddress> {
    // To subscribe asks for the permission where it is open, and nobody is asked but by a press.
    if (window.Notification.permission !== 'granted') throw new PushRefused('NotAllowedError')
    await workers.register('/worker.js', { scope: '/', updateViaCache: 'none' })
    const registration = await workers.ready
    if (fcmWeb) return fcm.make(fcmWeb, registration)
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey })
    const address = addressIn(made)
    if (!address) throw new PushRefused('NotSupportedError')
    return address
  }

  return {
    async current() {
      const registration = await registered()
      const found = await registration?.pushManager.getSubscription()
      return registration && found ? ((await fcm.current(registration)) ?? addressIn(found)) : undefined
    },
    subscribe: (publicKey, fcmWeb) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new PushRefused('TimeoutError')), SUBSCRIBE_MS)
        subscribe(publicKey, fcmWeb)
          .then(resolve, (error: Error) =>
            reject(error instanceof PushRefused ? error : new PushRefused(error.name, { cause: error })),
          )
          .finally(() => clearTimeout(late))
      }),
    async unsubscribe() {
      const registration = await registered()
      if (registration) await fcm.forget(registration)
      await (await registration?.pushManager.getSubscription())?.unsubscribe()
    },
  }
}
