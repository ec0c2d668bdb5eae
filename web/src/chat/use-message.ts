import type { MessageRef } from '@parley/sdk/types'
import { useApp } from '../app-context.tsx'
import type { Row } from '../state/rows.ts'

/** A stored message as the client names it, and how one reacts to it. What the server refuses is told by `Refusals`. */
export function useMessage(
  conversationId: string,
  { id, seq = 0 }: Row,
): { ref: MessageRef; react: (emoji: string, on: boolean) => void } {
  const { client } = useApp()
  const ref = { conversationId, id, seq }
  return { ref, react: (emoji, on) => void client.react(ref, emoji, on).catch(reportError) }
}
