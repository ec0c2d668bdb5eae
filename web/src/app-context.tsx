import type { MemberItem } from '@parley/protocol/conversation'
import type { PresenceItem } from '@parley/protocol/socket'
import type { ConversationView, Person, Readable, SessionState } from '@parley/sdk/types'
import { createContext, useContext, useSyncExternalStore } from 'react'
import type { App } from './state/app.ts'
import { shownName, titleOf } from './state/titles.ts'

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

/** Gives the name by which a person is shown, for words and labels: see `shownName`. */
export function useNames(): (userId: string | undefined, username: string) => string {
  const people = useReadable(useApp().client.people)
  return (userId, username) => shownName(people, userId, username)
}

/** Gives what a conversation is called, for words and labels: see `titleOf`. */
export function useTitles(): (conversation: ConversationView) => string {
  const people = useReadable(useApp().client.people)
  const me = useMe()
  return (conversation) => titleOf(conversation, people, me.id)
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
