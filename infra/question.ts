import { join } from 'node:path'

/** What a client may ask of the keeper. A line each way: `{id, question}`, and when it is known `{id, answer}`. */
export type Question = 'rabbitmq' | 'rabbitmq.vhost' | 'mongodb' | 'nginx' | 'status' | 'hold' | 'leave' | 'stop'

/** What the keeper says of a server, or of all of them (`lines`). */
export interface Facts {
  url?: string
  kind?: string
  pid?: number
  lines?: string[]
}
export type Answer = Facts | { error: string }

/** Where the keeper of a folder listens. */
export const keeperSocket = (folder: string): string => join(folder, 'keeper.sock')

/** What the keeper of a folder holds until everything is stopped. */
export const keeperLock = (folder: string): string => join(folder, 'keeper.lock')
