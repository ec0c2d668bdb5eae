import type { PresenceItem } from '@parley/protocol/socket'
import type { Readable, SessionState } from '@parley/sdk/types'
import { createContext, useContext, useSyncExternalStore } from 'react'
import type { App } from './state/app.ts'

const AppContext = createContext<App | undefined>(undefined)

/** Gives the app to everything below. */
export const AppProvider = AppContext.Provider

/** The app around this component. */
export function useApp(): App {
  const app = useContext(AppContext)
  if (!app) throw new Error('There is no AppProvider above this component')
  return app
}

/** The value, drawn anew whenever it changes. */
export function useReadable<T>(readable: Readable<T>): T {
  return useSyncExternalStore(readable.subscribe, readable.get)
}

const NOBODY: ReadonlyMap<string, PresenceItem> = new Map()

/** Who is here, as long as the server tells us: without it what was last heard says nothing. */
export function usePresence(): ReadonlyMap<string, PresenceItem> {
  const { client } = useApp()
  const presence = useReadable(client.presence)
  const connection = useReadable(client.connection)
  return connection === 'live' || connection === 'syncing' ? presence : NOBODY
}

/** Who is signed in; only for what is drawn while someone is. */
export function useMe(): Extract<SessionState, { status: 'signed-in' }>['user'] {
  const session = useReadable(useApp().client.session)
  if (session.status !== 'signed-in') throw new Error('Nobody is signed in')
  return session.user
}
