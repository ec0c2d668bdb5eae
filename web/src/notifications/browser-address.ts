import type { PushAddress } from '@parley/sdk/types'

/** A browser's subscription as the server is told of it; undefined where it has no keys, so that nothing could be said to it. */
export function addressIn(subscription: PushSubscription): PushAddress | undefined {
  const { endpoint, keys } = subscription.toJSON()
  const { p256dh, auth } = keys ?? {}
  if (!endpoint || !p256dh || !auth) return undefined
  const publicKey = keyIn(subscription)
  return { endpoint, keys: { p256dh, auth }, ...(publicKey !== undefined && { publicKey }) }
}

/** The server's key that it was made for, base64url; undefined in browsers that do not say. */
export function keyIn({ options }: PushSubscription): string | undefined {
  const key = options?.applicationServerKey
  if (!key) return undefined
  const text = btoa(String.fromCharCode(...new Uint8Array(key)))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
