import { isIPv4, isIPv6 } from 'node:net'
import { Fault } from '@parley/kit/fault'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { UserLimits } from './config.ts'

export interface Throttle {
  /**
   * Counts an attempt to sign in, or throws `rate.limited`; call `succeeded` on the answer when the password was right, and
   * `undecided` when it could not be looked at: an outage of ours is no guess. Counting is by what was typed, whether or not
   * there is such an account.
   */
  signIn(emailKey: string, address: string): Promise<{ succeeded(): Promise<void>; undecided(): Promise<void> }>
  /**
   * Counts a mail with a link that someone asks for, or throws `rate.limited`. By what was typed, whether or not there is such an
   * account. Who uses up what one recipient may get has had as many mails sent there, of which the last one's link is good.
   */
  mail(emailKey: string, address: string): Promise<void>
  /** Counts the use of a mailed link, or throws `rate.limited`. */
  link(address: string): Promise<void>
  /** Counts a registration, or throws `rate.limited`. */
  registration(address: string): Promise<void>
  /** Call before saying that a name or an address is taken; throws `rate.limited` when that was said too often there. */
  taken(address: string): Promise<void>
  /** Counts a look-up of a name, or throws `rate.limited`. */
  lookUp(userId: string): Promise<void>
  /** Counts a change of one's contacts, or throws `rate.limited`. */
  contactChange(userId: string): Promise<void>
  /** Counts a change of one's profile, or throws `rate.limited`. */
  profileChange(userId: string): Promise<void>
}

/** Pairs of account and address that have signed in before, remembered at once. The oldest is forgotten first. */
const FAMILIAR = 20_000

/**
 * Fixed windows that no attempt extends, so nobody is locked out longer than one of them. Failures are counted for each account
 * at each address, for each address, and for each account over the addresses that never signed in to it: a crowd that guesses at
 * one account uses that last budget up, and its owner still gets in from where they signed in before. Kept in memory: each
 * process of the user service counts for itself.
 */
export function openThrottle(limits: UserLimits): Throttle {
  const perPair = limiter(limits.signInFailuresPerAccountAndAddress, 5 * 60)
  const perAddress = limiter(limits.signInFailuresPerAddress, 5 * 60)
  const perAccount = limiter(limits.signInFailuresPerAccount, 15 * 60)
  const signIns = limiter(limits.devicesPerUser * 15, 15 * 60)
  const registrations = limiter(limits.registrationsPerAddress, 60 * 60)
  const taken = limiter(limits.takenPerAddress, 15 * 60)
  const lookUps = limiter(limits.lookUpsPerUser, 60)
  const contactChanges = limiter(limits.contactChangesPerUser, 60)
  const mailsPerPair = limiter(limits.mailsPerRecipientAndAddress, 15 * 60)
  const mailsPerAddress = limiter(limits.mailsPerAddress, 15 * 60)
  const mailsPerRecipient = limiter(limits.mailsPerRecipient, 60 * 60)
  const links = limiter(limits.linksPerAddress, 15 * 60)
  const profileChanges = limiter(limits.profileChangesPerUser, 60)
  const familiar = new Set<string>()

  return {
    async signIn(emailKey, address) {
      const place = network(address)
      const pair = `${place} ${emailKey}`
      const known = familiar.has(pair)
      await count(perPair, pair)
      await count(perAddress, place)
      if (!known) await count(perAccount, emailKey)
      return {
        async undecided() {
          await perPair.reward(pair)
          await perAddress.reward(place)
          if (!known) await perAccount.reward(emailKey)
        },
        async succeeded() {
          await perPair.delete(pair)
          await perAddress.reward(place)
          if (!known) await perAccount.reward(emailKey)
          familiar.delete(pair)
          familiar.add(pair)
          if (familiar.size > FAMILIAR) familiar.delete(familiar.values().next().value!)
          await count(signIns, emailKey)
        },
      }
    },
    async mail(emailKey, address) {
      const place = network(address)
      await count(mailsPerAddress, place)
      await count(mailsPerPair, `${place} ${emailKey}`)
      await count(mailsPerRecipient, emailKey)
    },
    link: (address) => count(links, network(address)),
    registration: (address) => count(registrations, network(address)),
    taken: (address) => count(taken, network(address)),
    lookUp: (userId) => count(lookUps, userId),
    contactChange: (userId) => count(contactChanges, userId),
    profileChange: (userId) => count(profileChanges, userId),
  }
}

const limiter = (points: number, duration: number): RateLimiterMemory => new RateLimiterMemory({ points, duration })

async function count(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    throw new Fault('rate.limited', 'Too many attempts. Try again later.', { retryAfterMs: refusal.msBeforeNext })
  }
}

/** What one party holds: a whole IPv4 address, or the /64 of an IPv6 one, in which a single machine has as many addresses as it likes. */
export function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return mapped
  if (isIPv4(address) || !isIPv6(address)) return address
  const groups = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1).split('::')
  const [head, tail] = groups.map((part) => part.split(':').filter(Boolean)) as [string[], string[] | undefined]
  const zeros = tail ? Array(8 - head.length - tail.length).fill('0') : []
  return `${[...head, ...zeros, ...(tail ?? [])].slice(0, 4).join(':')}::/64`
}
