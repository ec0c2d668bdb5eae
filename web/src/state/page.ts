import { writable } from '@parley/sdk/store'
import type { Readable } from '@parley/sdk/types'

/** What the browser knows of the page: lives as long as it. */
export interface Page {
  /** True while the page is visible and has the focus: only then is what is on screen being read. */
  attention: Readable<boolean>
  /** False while the browser knows that there is no network. */
  online: Readable<boolean>
  /** True while the page is visible and was touched within the last minutes: whoever is here needs no push on another device. */
  inUse: Readable<boolean>
}

const IN_USE_MS = 3 * 60_000
const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'focus'] as const

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
  return { attention, online, inUse: watchUse(document, window) }
}

function watchUse(document: Document, window: Window): Readable<boolean> {
  const inUse = writable(document.visibilityState === 'visible')
  let touchedAt = Date.now()
  let timer = setTimeout(look, IN_USE_MS)

  function look(): void {
    clearTimeout(timer)
    const restMs = touchedAt + IN_USE_MS - Date.now()
    const visible = document.visibilityState === 'visible'
    inUse.set(visible && restMs > 0)
    if (visible && restMs > 0) timer = setTimeout(look, restMs)
  }
  function touched(): void {
    touchedAt = Date.now()
    if (!inUse.get()) look()
  }

  for (const touch of TOUCHES) window.addEventListener(touch, touched, { passive: true, capture: true })
  document.addEventListener('visibilitychange', () => {
    touchedAt = Date.now()
    look()
  })
  return inUse
}
