import { writable } from '@parley/sdk/store'
import type { ParleyClient, Readable } from '@parley/sdk/types'
import { type Drafts, drafts } from './drafts.ts'
import { watched } from './people.ts'

/** Before anything can be shown, and after. */
export type Phase = 'starting' | 'ready' | 'failed'

/** What belongs to the page as a whole. */
export interface App {
  client: ParleyClient
  drafts: Drafts
  phase: Readable<Phase>
  /** True while the page is visible and has the focus: only then is what is on screen being read. */
  attention: Readable<boolean>
  /** Signs in again from what this device keeps; again after a failure. */
  start(): Promise<void>
}

/** Ties the client to the page: connects while signed in, watches the people of the list, forgets drafts when signed out. */
export function createApp(client: ParleyClient, attention: Readable<boolean>): App {
  const phase = writable<Phase>('starting')
  const begun = drafts()
  let watching = ''
  client.session.subscribe(() => {
    if (client.session.get().status === 'signed-in') return client.connect()
    begun.clear()
    watching = ''
  })
  client.conversations.subscribe(() => {
    const session = client.session.get()
    if (session.status !== 'signed-in') return
    const ids = watched(client.conversations.get(), session.user.id)
    const key = ids.toSorted().join()
    if (key === watching) return
    watching = key
    client.watchPresence(ids)
  })
  return {
    client,
    drafts: begun,
    phase,
    attention,
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
