import type { ConnectionState } from '@parley/sdk/types'
import { strings } from '../strings.ts'

/** What is said about the connection. */
export interface Banner {
  text: string
  /** What lasts is said at once; what may be over in a moment only if it is not. */
  atOnce: boolean
}

/**
 * Undefined when all is well. `online` is false when the browser itself knows of no network; `waiting` is how many messages
 * are in the outbox. A client that tries again and again is reconnecting all the time, between two attempts too.
 */
export function banner(connection: ConnectionState, online: boolean, waiting: number): Banner | undefined {
  const { offline, connecting, syncing, kept, keptCount } = strings.connection
  switch (connection) {
    case 'live':
      return undefined
    case 'syncing':
      return { text: syncing, atOnce: false }
    case 'connecting':
    case 'offline':
      if (!online) return { text: `${offline} ${waiting > 0 ? keptCount(waiting) : kept}`, atOnce: true }
      return { text: waiting > 0 ? `${connecting} ${keptCount(waiting)}` : connecting, atOnce: false }
    default:
      return connection satisfies never
  }
}
