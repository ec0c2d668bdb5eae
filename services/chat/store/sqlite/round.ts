import type { Limits } from '@parley/protocol/limits'
import type { OwnChange, OwnChanged } from '@parley/protocol/own'
import type { SettingsChange } from '@parley/protocol/settings'
import type { PublicUser } from '@parley/protocol/user'
import type { Starred, Stay } from '../store.ts'
import type { DepartureStep } from './departures.ts'

/**
 * What passes between the main thread and the writer's thread: one round at a time, which is one transaction. Messages and
 * marks go as few, large values (`pack.ts`), which cross between threads at a fraction of the cost of as many objects.
 */
export interface Round {
  /** The conversations and users that appends and marks speak of, each once. */
  ids: string[]
  /** `APPEND_WIDTH` numbers for each append. */
  appends: Float64Array
  /** The bodies of the appends, each with its extras, one behind the other. */
  bodies: string
  /** `MARK_WIDTH` numbers for each: conversation and user as places in `ids`, deliveredSeq, readSeq; -1 where not given. */
  marks: Float64Array
  commands: Command[]
}

export const MARK_WIDTH = 4

/** A mark that is to be raised. */
export interface MarkRequest {
  conversationId: string
  userId: string
  deliveredSeq?: number
  readSeq?: number
}

export type Command =
  /** Everything at these positions (the first and the last of each run) was relayed; the inboxes of these conversations are to be raised. */
  | { do: 'relayed'; runs: number[]; conversationIds: string[] }
  | { do: 'raise'; conversationIds: string[] }
  /** A device of the user has synced up to that stamp. */
  | { do: 'synced'; userId: string; upTo: number }
  | { do: 'connect' | 'disconnect'; nodeId: string; socketId: string; userId: string; idle?: boolean }
  | { do: 'heartbeat'; nodeId: string }
  | { do: 'expire' }
  | { do: 'settings'; userId: string; stay: Stay; change: SettingsChange; headSeq: number }
  | { do: 'own'; userId: string; stay: Stay; change: OwnChange }
  /** At most `limit` messages that have disappeared are erased. */
  | { do: 'sweep'; limit: number }
  | { do: 'unstar'; userId: string; messages: readonly Omit<Starred, 'place'>[] }
  | ({ do: 'person' } & PublicUser)
  | DepartureStep

/** What came of a command. */
export type Answer = boolean | number | string[] | OwnChanged

/** What came of a round. */
export type Outcome =
  | {
      committed: true
      /** `PLACE_WIDTH` values for each append: outcome, rev, headSeq, membersRev, time, position, and when what it says disappears (0: never). */
      appends: Float64Array
      /** `MARKED_WIDTH` values for each mark: deliveredSeq, readSeq, and 1 if they moved, else 0. */
      marks: Float64Array
      /** For `connect` and `disconnect` whether it was the first or the last; for `settings` whether they changed; for `expire` who is gone; for `own` what changed; for `sweep` how many. */
      replies: Answer[]
    }
  /**
   * Nothing of it was written, or nobody knows. `broken`: nor will anything be until the store is opened again. `forGood`: something in it
   * would fail again, however often it is tried.
   */
  | { committed: false; broken: boolean; forGood: boolean; reason: string }

export const PLACE_WIDTH = 7
export const MARKED_WIDTH = 3

/** The first of an append's values. */
export const OUTCOME = { appended: 0, repeated: 1, conflict: 2, stale: 3 } as const

/** What the writer's thread is started with. */
export interface WriterOptions {
  path: string
  /** Milliseconds after which a node without a heartbeat is dead. */
  leaseMs: number
  limits: Limits
}

/** The first thing that the writer's thread says. */
export type Ready = { ready: true; epoch: string } | { ready: false; reason: string }
