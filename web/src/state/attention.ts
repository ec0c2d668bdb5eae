import { writable } from '@parley/sdk/store'

/** True while the page is visible and has the focus: only then is what is on screen being read. Lives as long as the page. */
export function attention(page: Document, window: Window) {
  const attentive = () => page.visibilityState === 'visible' && page.hasFocus()
  const now = writable(attentive())
  const look = () => now.set(attentive())
  page.addEventListener('visibilitychange', look)
  window.addEventListener('focus', look)
  window.addEventListener('blur', look)
  return now
}
