/** The clients that share one storage: the tabs of a browser. One of them leads: it sends and keeps; the others show. */
export interface Tabs<Message> {
  readonly leads: boolean
  /** To the other tabs. */
  post(message: Message): void
  close(): void
}

/**
 * Joins the tabs of `name`. Resolves when it is known who leads: this one at once where there is no other, where nothing
 * is shared, or where tabs cannot be told apart (no Web Locks). Else `lead` is called when it does, after the tab before
 * has gone, however it went.
 */
export async function joinTabs<Message>(
  name: string | undefined,
  { lead, hear }: { lead(): void; hear(message: Message): void },
): Promise<Tabs<Message>> {
  const locks = globalThis.navigator?.locks
  if (name === undefined || !locks || typeof BroadcastChannel === 'undefined')
    return { leads: true, post: () => {}, close: () => {} }
  const lockName = `${name}-leader`
  const channel = new BroadcastChannel(name)
  const closed = new AbortController()
  const { promise: untilClosed, resolve: letGo } = Promise.withResolvers<void>()
  closed.signal.addEventListener('abort', () => letGo())
  let leads = await new Promise<boolean>((resolve) => {
    locks
      .request(lockName, { ifAvailable: true }, (lock) => {
        resolve(lock !== null)
        return lock === null ? undefined : untilClosed
      })
      .catch(() => resolve(true))
  })
  if (!leads)
    locks
      .request(lockName, { signal: closed.signal }, () => {
        if (closed.signal.aborted) return
        leads = true
        lead()
        return untilClosed
      })
      .catch(() => {})
  channel.onmessage = ({ data }) => hear(data as Message)
  return {
    get leads() {
      return leads
    },
    post: (message) => channel.postMessage(message),
    close() {
      leads = false
      closed.abort()
      channel.close()
    },
  }
}
