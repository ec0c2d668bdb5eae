import { useLocation } from 'wouter'
import { useApp, useMe } from './app-context.tsx'
import { directWith } from './state/people.ts'

/** Goes to the conversation with a person, `before` it calls that. One that is here is gone to at once, also offline. */
export function useOpenChat(): (userId: string, before?: () => void) => Promise<void> {
  const { client } = useApp()
  const me = useMe()
  const [, navigate] = useLocation()
  return async (userId, before) => {
    const { id } = directWith(client.conversations.get(), userId, me.id) ?? (await client.openDirect(userId))
    before?.()
    navigate(`/c/${id}`)
  }
}
