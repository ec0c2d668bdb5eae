import type { MemberItem } from '@parley/protocol/conversation'
import type { ConversationView } from '@parley/sdk/types'
import { useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'

const NOBODY: readonly MemberItem[] = []

/** The members, by whose names messages are read and written: at hand in a small conversation, in a large one fetched once they are `wanted`. */
export function useNames(conversation: ConversationView, wanted: boolean): readonly MemberItem[] {
  const { client } = useApp()
  const { id, members, membersRev } = conversation
  const [fetched, setFetched] = useState(NOBODY)
  const asks = wanted && members === undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: `membersRev` says when to fetch again.
  useEffect(() => {
    if (!asks) return
    let late = false
    client.members(id).then(
      (found) => !late && setFetched(found),
      // Without them a name is text, and nobody is offered.
      () => undefined,
    )
    return () => {
      late = true
    }
  }, [client, id, asks, membersRev])
  return members ?? fetched
}
