import type { MemberItem } from '@parley/protocol/conversation'
import type { ConversationView } from '@parley/sdk/types'
import { useCallback, useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { explain } from '../state/problems.ts'

/** The members of a conversation: at hand in a small one, fetched in a large one, and again whenever they change. */
export function useMembers(conversation: ConversationView): {
  members: readonly MemberItem[] | undefined
  error: string | undefined
  again: () => void
} {
  const { client } = useApp()
  const { id, members: known, membersRev } = conversation
  const [fetched, setFetched] = useState<readonly MemberItem[]>()
  const [error, setError] = useState<string>()
  const [attempt, setAttempt] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `membersRev` and `attempt` say when to fetch again.
  useEffect(() => {
    if (known) return
    let late = false
    setError(undefined)
    client.members(id).then(
      (members) => !late && setFetched(members),
      (thrown: unknown) => !late && setError(explain(thrown)),
    )
    return () => {
      late = true
    }
  }, [client, id, known === undefined, membersRev, attempt])
  return { members: known ?? fetched, error, again: useCallback(() => setAttempt((count) => count + 1), []) }
}
