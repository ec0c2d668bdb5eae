import { writable } from '@parley/sdk/store'
import type { Readable } from '@parley/sdk/types'

/** What the browser knows of the page: lives as long as it. */
export interface Page {
  /** True while the page is visible and has the focus: only then is what is on screen being read. */
  attention: Readable<boolean>
  /** False while the browser knows that there is no network. */
  online: Readable<boolean>
}

/** Watches the page that one is in. */
export function watchPage(document: Document, window: Window): Page {
  const attentive = () => document.visibilityState === 'visible' && document.hasFocus()
  const attention = writable(attentive())
  const online = writable(window.navigator.onLine)
  const look = () => attention.set(attentive())
  document.addEventListener('visibilitychange', look)
  window.addEventListener('focus', look)
  window.addEventListener('blur', look)
  window.addEventListener('online', () => online.set(true))
  window.addEventListener('offline', () => online.set(false))
  return { attention, online }
}
