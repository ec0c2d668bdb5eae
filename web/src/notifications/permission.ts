import { type Writable, writable } from '@parley/sdk/store'
import type { Readable } from '@parley/sdk/types'

/** Whether this browser lets the page show notices. `insecure`: only pages loaded over HTTPS, or from this machine, may. */
export type Permission = NotificationPermission | 'unsupported' | 'insecure'

export interface PermissionHere extends Readable<Permission> {
  /** Lets the browser ask; only after a press, as browsers want it. */
  ask(): Promise<Permission>
}

/** Watches it: one may also give it or take it back in the browser's own settings. */
export function watchPermission(window: Window & typeof globalThis): PermissionHere {
  const state: Writable<Permission> = writable(permissionIn(window))
  const look = () => state.set(permissionIn(window))
  window.navigator.permissions
    ?.query({ name: 'notifications' })
    .then((status) => status.addEventListener('change', look))
    .catch(() => undefined) // Not every browser knows the name: then it is looked at when one comes back to the page.
  window.document.addEventListener('visibilitychange', look)
  return {
    get: state.get,
    subscribe: state.subscribe,
    async ask() {
      if (state.get() === 'default') await window.Notification.requestPermission()
      look()
      return state.get()
    },
  }
}

function permissionIn(window: Window & typeof globalThis): Permission {
  if (!window.isSecureContext) return 'insecure'
  const { navigator } = window
  const isSupported = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
  return isSupported ? window.Notification.permission : 'unsupported'
}
