/** Addresses that mail does not reach, by a key that does not tell them (`suspension.ts`). */
export interface AddressStore {
  /** From `at` on nothing more is sent there; a new bounce takes the place of the one before. */
  suspend(key: string, bounce: Bounce): Promise<void>
  find(key: string): Promise<Bounce | undefined>
  /** Takes the one trial of a suspended address in `everyMs`, for that delivery: true if there was none, or it was this one's. False also where nothing is suspended. */
  tryOnce(key: string, deliveryId: string, now: number, everyMs: number): Promise<boolean>
  lift(key: string): Promise<void>
  /** How many are suspended, counted no further than `atMost`. */
  count(atMost: number): Promise<number>
  /** Forgets what was suspended before that. */
  purge(before: number): Promise<void>
}

/** Why, in the words of the server that refused, and when. */
export interface Bounce {
  at: number
  detail: string
}
