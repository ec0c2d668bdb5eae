/**
 * Tells when a browser says that the network is back or gone, or that its page is looked at again (a laptop that slept
 * may not know yet that its connection is dead). Only hints: the connection is tried whatever the browser believes.
 */
export function whenNetworkChanges({ back, gone }: { back(): void; gone(): void }): () => void {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => {}
  const seen = (): void => {
    if (document.visibilityState === 'visible') back()
  }
  window.addEventListener('online', back)
  window.addEventListener('offline', gone)
  document.addEventListener('visibilitychange', seen)
  return () => {
    window.removeEventListener('online', back)
    window.removeEventListener('offline', gone)
    document.removeEventListener('visibilitychange', seen)
  }
}
