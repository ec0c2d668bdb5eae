import type { FcmWebConfig } from '@parley/protocol/notification'
import { PushRefused } from '@parley/sdk/push'
import type { AppAddress } from '@parley/sdk/types'

/** This browser's token at Firebase Cloud Messaging, for whoever is signed in. */
export interface FcmToken {
  /** Undefined where none was made. As it was, where Google cannot be asked now. */
  current(registration: ServiceWorkerRegistration): Promise<AppAddress | undefined>
  /** A new one, by a new subscription. Rejects with `PushRefused`. */
  make(config: FcmWebConfig, registration: ServiceWorkerRegistration): Promise<AppAddress>
  /** Ends it, at Google too as far as it can be reached; in the browser it goes with the subscription, which the caller ends. */
  forget(registration: ServiceWorkerRegistration): Promise<void>
}

/** Kept in this browser as long as there is a token, so that it can be ended whatever the server says by then. */
interface Made {
  config: FcmWebConfig
  token: string
}

const MADE = 'parley.fcm'
/** Who leaves does not wait for Google any longer. */
const FORGET_MS = 2_000

/** Firebase's client is loaded with the first token, or where there is one. */
export function openFcmToken(window: Window & typeof globalThis): FcmToken {
  /** Of whoever was here before: it ends the subscription that there is then. */
  let forgetting: Promise<unknown> = Promise.resolve()

  function made(): Made | undefined {
    const kept = window.localStorage.getItem(MADE)
    return kept === null ? undefined : (JSON.parse(kept) as Made) // written below
  }

  function keep(config: FcmWebConfig, token: string): AppAddress {
    window.localStorage.setItem(MADE, JSON.stringify({ config, token } satisfies Made))
    return { kind: 'fcm', token, platform: 'web', publicKey: config.vapidKey }
  }

  return {
    async current(registration) {
      const before = made()
      if (!before) return undefined
      const { config, token } = before
      if (window.Notification.permission !== 'granted') return keep(config, token)
      const { tokenOf } = await import('./firebase.ts')
      return keep(config, await tokenOf(config, registration).catch(() => token))
    },
    async make(config, registration) {
      await forgetting
      // Firebase would go on with any subscription that is there, whatever it was made for.
      await (await registration.pushManager.getSubscription())?.unsubscribe()
      const { tokenOf } = await import('./firebase.ts')
      try {
        return keep(config, await tokenOf(config, registration))
      } catch (error) {
        throw new PushRefused(reasonOf(error), { cause: error })
      }
    },
    async forget(registration) {
      const before = made()
      if (!before) return
      window.localStorage.removeItem(MADE)
      if (!(await registration.pushManager.getSubscription())) return
      forgetting = import('./firebase.ts')
        .then(({ forgetToken }) => forgetToken(before.config, registration))
        .catch(() => undefined)
      await Promise.race([forgetting, new Promise((resolve) => setTimeout(resolve, FORGET_MS))])
    },
  }
}

/** By the browser's own names, as far as there is one: Firebase has others, and lets what `fetch` throws through as it is. */
function reasonOf(error: unknown): string {
  const { name, code } = error as { name: string; code?: unknown }
  switch (code ?? name) {
    case 'messaging/permission-blocked':
      return 'NotAllowedError'
    case 'TypeError':
    case 'installations/app-offline':
    case 'messaging/token-subscribe-failed':
      return 'NetworkError'
    default:
      return typeof code === 'string' ? code : name
  }
}
