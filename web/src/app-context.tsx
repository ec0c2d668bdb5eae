import type { MemberItem } from '@parley/protocol/conversation'
import type { PresenceItem } from '@parley/protocol/socket'
import type { Person, Readable, SessionState } from '@parley/sdk/types'
import { createContext, useContext, useSyncExternalStore } from 'react'
import type { App } from './state/app.ts'
import { nameOf } from './state/people.ts'

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

/** What is known of a person; undefined of whoever was never met here. */
export function usePerson(userId: string): Person | undefined {
  return useReadable(useApp().client.people).get(userId)
}

/** Gives the name by which a person is shown, for words and labels; the user name is what it is where nothing else was chosen. Who has deleted the account has none. */
export function useNames(): (userId: string | undefined, username: string) => string {
  const people = useReadable(useApp().client.people)
  return (userId, username) => {
    const person = userId === undefined ? undefined : people.get(userId)
    return nameOf(person?.deleted ? '' : username && (person?.displayName || username))
  }
}

/** These members under the names by which they are shown, for words about them. */
export function useShownMembers(members: readonly MemberItem[] = []): readonly MemberItem[] {
  const names = useNames()
  return members.map((member) => ({ ...member, username: names(member.userId, member.username) }))
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
