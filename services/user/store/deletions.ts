import type { KeepOrErase } from '@parley/protocol/user'

/** An account that its owner has deleted, until everyone who must know of it does. */
export interface Deletion {
  userId: string
  /** What becomes of the messages that the user wrote. */
  messages: KeepOrErase
  at: string
}

export interface DeletionStore {
  /**
   * Deletes the account whose password hash is `before`, with its profile, sessions, tickets and letters, and appends to the control log: when
   * it resolves nothing finds it, its name and address are free, and all of it is durable. False, and nothing is done, where the hash
   * is another. Deleted already, it stays so. One that a dead process left half done is healed by any process.
   */
  begin(deletion: Deletion, before: string): Promise<boolean>
  /** Those begun and not finished, at most `limit`, in no promised order. */
  open(limit: number): Promise<Deletion[]>
  /** Forgets what is still to be done of it. */
  finish(userIds: readonly string[]): Promise<void>
  /** Those of these (at most 500) who were deleted, ever. */
  gone(userIds: readonly string[]): Promise<string[]>
}
