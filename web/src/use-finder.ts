import { useEffect, useMemo } from 'react'
import { useApp, useMe, useReadable } from './app-context.tsx'
import { type Finder, type FinderView, openFinder } from './state/finder.ts'

/** Finds people by what is written, as long as this is shown. */
export function useFinder(): { finder: Finder; view: FinderView } {
  const { client } = useApp()
  const me = useMe()
  const finder = useMemo(() => openFinder(client, me.id), [client, me.id])
  useEffect(() => finder.close, [finder])
  useEffect(() => {
    // Who is a contact, and who is blocked; without it the server is asked all the same.
    if (!client.contacts.get().loaded) client.contacts.load().catch(() => undefined)
  }, [client])
  return { finder, view: useReadable(finder) }
}
