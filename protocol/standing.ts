import type { Reaction } from './conversation.ts'
import type { Level } from './settings.ts'

/**
 * What the chat service answers to the notification service when that is about to tell people of messages: by call in one process, by
 * HTTP on its internal port otherwise (`POST /internal/standing`).
 */
export interface ChatDirectory {
  /**
   * The messages of a closed range as they are now, and how the members stand to them now. Undefined where there is no such
   * conversation. Rejects `unavailable` when it cannot be asked.
   */
  standing(ask: StandingAsk): Promise<Standing | undefined>
}

export interface StandingAsk {
  conversationId: string
  /** At most `LIMITS.pageMax` messages: of a longer range the last ones are answered. */
  fromSeq: number
  toSeq: number
  /** With the reactions to the messages. */
  reactions?: boolean | undefined
  /** Of these members alone, at most `LIMITS.idsPerCall`; who is none is left out. */
  userIds?: readonly string[] | undefined
}

export interface Standing {
  kind: 'direct' | 'group'
  /** Of a group; a direct conversation has none. */
  title: string
  /** The newest message that there is. */
  headSeq: number
  messages: StandingMessage[]
  members: StandingMember[]
}

/** A message as whoever is told of it needs it. */
export interface StandingMessage {
  seq: number
  senderId: string
  /** How the sender is shown; empty where that is not known, or they are gone. */
  sender: string
  createdAt: string
  /** Empty when it is `gone`. */
  text: string
  /** Deleted, or past its time. */
  gone?: true
  /** Whom its text names. */
  mentions?: readonly string[]
  mentionsAll?: true
  /** Who wrote what it answers. */
  answers?: string
  /** Where they are asked for: in the order in which each emoji was first set. */
  reactions?: readonly Reaction[]
}

export interface StandingMember {
  userId: string
  /** The first message that this member may see. */
  fromSeq: number
  deliveredSeq: number
  readSeq: number
  level: Level
  mutedUntil: string | null
  /** A device of theirs is connected and in use (`presence.active`). */
  active: boolean
  /** Senders of the messages above, and of the reactions where those are asked for, whom they block, or who block them, as far as that counts here. */
  apart?: readonly string[]
}
