import { initializeApp } from '@firebase/app'
import { deleteToken, getMessaging, getToken } from '@firebase/messaging'
import type { FcmWebConfig } from '@parley/protocol/notification'

// Loaded where the operator has browsers register by Firebase, and nowhere else.

/** The token of this browser's subscription for that worker; one is made where there is none. */
export async function tokenOf(config: FcmWebConfig, registration: ServiceWorkerRegistration): Promise<string> {
  return getToken(messagingOf(config), { vapidKey: config.vapidKey, serviceWorkerRegistration: registration })
}

/** Ends the token at FCM and in this browser, and the subscription with it. */
export async function forgetToken(config: FcmWebConfig, registration: ServiceWorkerRegistration): Promise<void> {
  // It ends what was asked for last.
  await tokenOf(config, registration)
  await deleteToken(messagingOf(config))
}

const messagings = new Map<string, ReturnType<typeof getMessaging>>()

function messagingOf({ apiKey, projectId, messagingSenderId, appId }: FcmWebConfig): ReturnType<typeof getMessaging> {
  const known = messagings.get(appId)
  if (known) return known
  const messaging = getMessaging(initializeApp({ apiKey, projectId, messagingSenderId, appId }, `parley ${appId}`))
  messagings.set(appId, messaging)
  return messaging
}
