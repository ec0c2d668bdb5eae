import type { Profile } from '@parley/protocol/profile'

/** A user's profile as it is kept; the unit that is written, by compare-and-set at `rev`. */
export interface StoredProfile extends Profile {
  userId: string
  /** Of the changes of what each kind of onlooker sees, so that nobody can tell that something changed which is not for them. */
  viewRevs: { friend: number; other: number }
  /** Up to which `rev` the bus knows of it. */
  toldRev: number
}

/** A word of a user's display name (`wordsOf` in `@parley/protocol/name-words`). */
export interface NamePlace {
  word: string
  userId: string
}

/** What users say of themselves. Who has set nothing has no row. */
export interface ProfileStore {
  /** Those of these users (at most 500) that have a row, in no promised order. */
  find(userIds: readonly string[]): Promise<StoredProfile[]>
  /** Writes it where it still is at `rev - 1` (0: is not there), `toldRev` left as it is. False, and nothing written, where another came first. */
  save(profile: StoredProfile): Promise<boolean>
  /**
   * The words of display names that begin with `prefix`, by word and user in the order of code points, those behind `after` where given, at
   * most `limit`; of a user with several such words at least the first. Written with the profile; whoever needs to be sure looks at it again.
   */
  named(prefix: string, after: NamePlace | undefined, limit: number): Promise<NamePlace[]>
  /** Forgets what that user has set. Repeatable. */
  erase(userId: string): Promise<void>
  /** Those who keep something back from others (`isOpen` is false), by id, after `after` where given, at most `limit`. */
  keepingBack(after: string | undefined, limit: number): Promise<StoredProfile[]>
  /** Profiles of which the bus does not know the latest, in no promised order. */
  untold(limit: number): Promise<StoredProfile[]>
  /** The bus knows of them up to these revs. Never lowers what it knew. */
  told(profiles: readonly { userId: string; rev: number }[]): Promise<void>
}
