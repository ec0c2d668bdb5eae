import type { Preferences } from '../preferences.ts'

/** What users have set. */
export interface PreferenceStore {
  /** Sets what is given and leaves the rest as it is; gives all of it as it is then. */
  change(userId: string, change: Partial<Preferences>): Promise<Preferences>
  /** Of these users, those who have set anything. */
  find(userIds: readonly string[]): Promise<Map<string, Preferences>>
  forget(userId: string): Promise<void>
}
