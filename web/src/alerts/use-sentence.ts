import type { AlertItem } from '@parley/protocol/alert'
import { useCallback } from 'react'
import { useApp } from '../app-context.tsx'
import { nameOf } from '../state/people.ts'
import { sentenceOf } from './words.ts'

/** Gives what an alert says, with the names and titles of now. */
export function useSentence(): (alert: AlertItem) => string {
  const { client } = useApp()
  return useCallback(
    (alert) => {
      const people = client.people.get()
      const names = alert.actors.map(({ id, username, displayName }) =>
        nameOf(username && (people.get(id)?.displayName ?? displayName ?? username)),
      )
      const conversation = client.conversations.get().find(({ id }) => id === alert.conversationId)
      return sentenceOf(alert, names, conversation?.kind === 'group' ? conversation.title : undefined)
    },
    [client],
  )
}
