import type { PublicUser } from '@parley/protocol/user'
import { useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'

const PAUSE_MS = 250
const NOBODY: readonly PublicUser[] = []

/** Whose names begin with what is written, asked for once the writing pauses. Nobody while that cannot be known. */
export function usePeople(written: string): readonly PublicUser[] {
  const { client } = useApp()
  const [found, setFound] = useState<{ prefix: string; people: readonly PublicUser[] }>()
  const prefix = written.trim()
  useEffect(() => {
    if (prefix.length < 2) return
    let late = false
    const timer = setTimeout(() => {
      client.searchUsers(prefix).then(
        (people) => !late && setFound({ prefix, people }),
        () => !late && setFound(undefined),
      )
    }, PAUSE_MS)
    return () => {
      late = true
      clearTimeout(timer)
    }
  }, [client, prefix])
  return found?.prefix === prefix ? found.people : NOBODY
}
