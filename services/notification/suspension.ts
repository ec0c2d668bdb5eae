import { createHash } from 'node:crypto'
import type { AddressStore } from './store/addresses.ts'

/** Which addresses get no mail for now, since a mail server has said that nobody is there. */
export interface Suspensions {
  /**
   * Whether a letter may go there; else why not, in the words of the server that refused. One that was asked for by whoever wants
   * in (`urgent`) may, once a day.
   */
  mayGo(to: string, letter: { id: string; urgent: boolean }): Promise<true | { detail: string }>
  suspend(to: string, detail: string): Promise<void>
  /** Mail has reached the address. */
  lift(to: string): Promise<void>
  /** Forgets what has ended. */
  purge(): Promise<void>
}

const DAY_MS = 86_400_000
/** An address that was refused once is not so for ever: after a week it is tried again. */
const SUSPENDED_MS = 7 * DAY_MS

export function openSuspensions(addresses: AddressStore, now: () => number): Suspensions {
  const activeBounce = async (key: string) => {
    const bounce = await addresses.find(key)
    return bounce && bounce.at + SUSPENDED_MS > now() ? bounce : undefined
  }

  return {
    async mayGo(to, { id, urgent }) {
      const key = keyOf(to)
      const bounce = await activeBounce(key)
      if (!bounce) return true
      if (urgent && (await addresses.tryOnce(key, id, now(), DAY_MS))) return true
      return { detail: bounce.detail }
    },
    suspend: (to, detail) => addresses.suspend(keyOf(to), { at: now(), detail }),
    async lift(to) {
      const key = keyOf(to)
      if (await addresses.find(key)) await addresses.lift(key)
    },
    purge: () => addresses.purge(now() - SUSPENDED_MS),
  }
}

/** The same for every way to write one address, and not the address: whoever reads the store does not read who has an account. */
const keyOf = (address: string): string =>
  createHash('sha256').update(address.trim().normalize('NFKC').toLowerCase()).digest('hex')
