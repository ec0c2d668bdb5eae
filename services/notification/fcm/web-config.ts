import type { FcmWebConfig } from '@parley/protocol/notification'
import { isPoint } from '../point.ts'
import { objectOf } from './account.ts'

/** What pages that are pushed to by FCM speak to beside us: where Firebase's client registers a browser, and is given its token. */
export const FCM_WEB_SOURCES = [
  'https://firebaseinstallations.googleapis.com',
  'https://fcmregistrations.googleapis.com',
] as const

/**
 * Reads the configuration that Firebase gives for a web app (project settings, your apps), and with it `vapidKey`, the public key of the "Web
 * Push certificates" there. None of it is secret. Throws an error that says what is wrong.
 */
export function fcmWebConfigOf(json: string): FcmWebConfig {
  const fields = objectOf(json)
  const text = (name: keyof FcmWebConfig, form: RegExp): string => {
    const value = fields[name]
    if (typeof value !== 'string' || value === '') throw new Error(`it has no ${name}`)
    if (!form.test(value)) throw new Error(`its ${name} is none of Firebase’s`)
    return value
  }
  const config = {
    apiKey: text('apiKey', /^[\w-]{20,100}$/),
    projectId: text('projectId', /^[a-z][a-z0-9:.-]{1,63}$/),
    messagingSenderId: text('messagingSenderId', /^\d{1,30}$/),
    appId: text('appId', /^\d+:\d+:web:[0-9a-f]+$/),
    vapidKey: text('vapidKey', /^[\w-]{87}$/),
  }
  if (!isPoint(config.vapidKey)) throw new Error('its vapidKey is no public key on P-256 in base64url')
  return config
}
