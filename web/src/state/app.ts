import { type Writable, writable } from '@parley/sdk/store'
import type { ParleyClient, Readable } from '@parley/sdk/types'
import type { Page } from './page.ts'
import { watched } from './people.ts'

/** Before anything can be shown, and after. */
export type Phase = 'starting' | 'ready' | 'failed'

/** What belongs to the page as a whole. */
export interface App {
  client: ParleyClient
  page: Page
  phase: Readable<Phase>
  /** False once it is known that this device keeps nothing: what is here ends with the page. */
  lasting: Readable<boolean>
  /** True once the list was in step with the server since one signed in: what is not in it then does not exist. */
  listed: Readable<boolean>
  /** A message that is to be shown as soon as its conversation is open: what was searched, quoted or named. */
  wanted: Writable<{ conversationId: string; seq: number } | undefined>
  /** What one has just deleted for oneself, as long as that can be undone here. */
  hidden: Writable<{ conversationId: string; seq: number } | undefined>
  /** Whom one sees at the moment beside the list: who is in the open group, or has written what is in sight. They are watched, too; of many those seen last. */
  see(userIds: Iterable<string>): void
  /** Signs in again from what this device keeps; again after a failure. */
  start(): Promise<void>
}

/** More than fit on a screen; with those of the list, fewer than the server takes of one device. */
const SEEN = 100
/** Those who come into sight while one scrolls are watched together. */
const TOGETHER_MS = 500

/** Ties the client to the page: connects while signed in, and watches the people of the list. */
export function createApp(client: ParleyClient, page: Page, lasting: Readable<boolean>): App {
  const phase = writable<Phase>('starting')
  const listed = writable(false)
  const hidden = writable<{ conversationId: string; seq: number } | undefined>(undefined)
  let watching = ''
  let waiting = false
  const seen = new Set<string>()
  client.session.subscribe(() => {
    if (client.session.get().status === 'signed-in') return client.connect()
    watching = ''
    seen.clear()
    listed.set(false)
    hidden.set(undefined)
  })
  client.connection.subscribe(() => {
    if (client.connection.get() === 'live') listed.set(true)
  })
  client.conversations.subscribe(watch)

  function watch(): void {
    const session = client.session.get()
    if (session.status !== 'signed-in') return
    const ids = [...new Set([...watched(client.conversations.get(), session.user.id), ...seen])]
    const key = ids.toSorted().join()
    if (key === watching) return
    watching = key
    client.watchPresence(ids)
  }

  return {
    client,
    page,
    phase,
    lasting,
    listed,
    hidden,
    wanted: writable<{ conversationId: string; seq: number } | undefined>(undefined),
    see(userIds) {
      const session = client.session.get()
      if (session.status !== 'signed-in') return
      for (const userId of userIds) {
        if (userId === session.user.id) continue
        seen.delete(userId)
        seen.add(userId)
      }
      while (seen.size > SEEN) seen.delete(seen.values().next().value!)
      if (waiting) return
      waiting = true
      setTimeout(() => {
        waiting = false
        watch()
      }, TOGETHER_MS)
    },
    async start() {
      phase.set('starting')
      try {
        await client.resume()
        phase.set('ready')
      } catch {
        phase.set('failed')
      }
    },
  }
}
