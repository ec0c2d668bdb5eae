/** What the notification service says of itself and of what it told whom. Types only. */

/** A device that is pushed to, as its user sees it. */
export interface DeviceItem {
  id: string
  kind: 'webpush'
  /** As it named itself; may be empty. */
  name: string
  registeredAt: string
  /** It was registered by the session that asks. */
  current: boolean
}

/** What became of the push to one device. */
export interface PushedItem {
  /** The device's name; empty where it has none, or is not registered any more. */
  device: string
  state: 'waiting' | 'sent' | 'failed' | 'dropped'
  /** In words. */
  text: string
  /** When it was sent or given up; of one that waits, when it is tried next. */
  at: string
}

/** Why one was told of a message by a push, or was not. */
export interface Why {
  conversationId: string
  seq: number
  /** `waiting`: it was not decided yet. */
  outcome: 'push' | 'none' | 'waiting'
  /** For programs: what made it worth a push, or why there was none. Absent while it waits. */
  code?: string
  /** In words. */
  text: string
  /** When it was decided. */
  at?: string
  /** The pushes to one's devices. Absent where there are none. */
  pushes?: PushedItem[]
}
