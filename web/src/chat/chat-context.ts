import { createContext, useContext } from 'react'
import type { Row } from '../state/rows.ts'

/** What belongs to the conversation around a message. */
export interface ChatOfMessage {
  meId: string
  /** The user name of a member, where it is known here. */
  nameOf(userId: string): string | undefined
  /** Begins an answer to that message. */
  reply(row: Row): void
  /** Asks where to pass it on to. */
  forward(row: Row): void
  /** Leads to the message with that `seq`. */
  jumpTo(seq: number): void
}

const ChatContext = createContext<ChatOfMessage | undefined>(undefined)

/** Gives it to every message below. */
export const ChatProvider = ChatContext.Provider

export function useChat(): ChatOfMessage {
  const chat = useContext(ChatContext)
  if (!chat) throw new Error('There is no ChatProvider above this component')
  return chat
}
