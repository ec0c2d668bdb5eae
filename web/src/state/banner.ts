import type { ConnectionState } from '@parley/sdk/types'
import { strings } from '../strings.ts'

/** What is said about the connection; undefined when all is well. `waiting` is how many messages are in the outbox. */
export function banner(connection: ConnectionState, waiting: number): string | undefined {
  const kept = waiting > 0 ? strings.connection.keptCount(waiting) : strings.connection.kept
  switch (connection) {
    case 'live':
      return undefined
    case 'syncing':
      return strings.connection.syncing
    case 'connecting':
      return waiting > 0 ? `${strings.connection.connecting} ${kept}` : strings.connection.connecting
    case 'offline':
      return `${strings.connection.offline} ${kept}`
    default:
      return connection satisfies never
  }
}
