import { setTimeout as pause } from 'node:timers/promises'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { Letter } from '../mailer.ts'
import { ACCOUNT_DELETED, FURTHER, type NewDelivery } from '../store/deliveries.ts'
import type { DigestClaim, DigestStore } from '../store/digests.ts'
import { type DigestDue, type Digests, digestId } from './digest.ts'

/** Turns what has waited long enough into mails, any number of processes together, each of a user by one of them at a time. */
export interface DigestRounds extends AsyncDisposable {
  /** Something is new in that conversation for those users, who are not here. Durable when it resolves. */
  note(conversationId: string, userIds: readonly string[]): Promise<void>
}

export interface DigestOptions {
  /** How long something waits to be read before a mail tells of it. */
  afterMs: number
  /** From one mail to a user to the next it is at least that long. */
  everyMs: number
  /** How long one process may take over one user. */
  leaseMs?: number
  now?: () => number
}

const AT_ONCE = 4
/** What another process noted, or left when it died, is looked for at least that often. */
const LOOK_MS = 5_000
const LOOK_LEAST_MS = 100
/** How long it is put off while it must not, or cannot, be sent. */
const QUIET_MS = 10 * 60_000
const AGAIN_MS = [1_000, 60_000] as const
const LEASE_MS = 30_000

export function startDigestRounds(
  needs: {
    store: DigestStore
    digests: Digests
    log: Log
    /** Called when a mail is planned. */
    planned: () => void
  },
  { afterMs, everyMs, leaseMs = LEASE_MS, now = Date.now }: DigestOptions,
): DigestRounds {
  const { store, digests, log, planned } = needs
  const closing = new AbortController()
  let rouse = (): void => undefined
  let woken = false
  const pace = () => ({ dueAt: now() + afterMs, everyMs })
  const running = run()

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      woken = false
      try {
        const claims = await store.claim({ now: now(), leaseMs, limit: AT_ONCE })
        await Promise.all(claims.map(decide))
        if (claims.length < AT_ONCE) await rest(await untilDue())
      } catch (error) {
        log.warn({ err: error }, 'what waits to be mailed cannot be read')
        await rest(LOOK_MS)
      }
    }
  }

  async function untilDue(): Promise<number> {
    const next = (await store.nextDue()) ?? Number.POSITIVE_INFINITY
    return Math.max(LOOK_LEAST_MS, Math.min(LOOK_MS, next - now()))
  }

  /** Until the time is over, or something was noted here. */
  async function rest(ms: number): Promise<void> {
    if (woken || closing.signal.aborted) return
    const end = new AbortController()
    rouse = () => end.abort()
    await pause(ms, undefined, { signal: end.signal }).catch(() => undefined)
  }

  async function decide(claim: DigestClaim): Promise<void> {
    try {
      const { userId, conversationIds, more } = claim
      const due: DigestDue = { kind: 'digest', userId, conversationIds, more }
      const askedAt = now()
      const found = await digests(due)
      if ('reason' in found && (found.reason === 'quiet.hours' || found.reason === 'do.not.disturb'))
        return await store.postpone(claim, now() + QUIET_MS, false)
      // Noted after all of theirs was forgotten.
      if ('reason' in found && found.reason === ACCOUNT_DELETED.reason) return await store.forget(userId)
      const dropped = 'reason' in found ? { reason: found.reason } : undefined
      // A mail says what there is when it leaves. Where none does, what came while it was asked was not looked at.
      const at = dropped ? askedAt : now()
      crashPoint('digest.before-settle')
      const delivery = deliveryOf(
        due,
        digestId(userId, claim.round),
        at,
        dropped && { dropped, found: found.found ?? [] },
      )
      const done = await store.settle(claim, delivery, dropped ? undefined : at, pace())
      crashPoint('digest.after-settle')
      if (done && !dropped) planned()
    } catch (error) {
      log.warn({ err: error }, 'it cannot be said now what a user has not read')
      const [least, most] = AGAIN_MS
      const after = Math.ceil(Math.min(most, least * 2 ** Math.min(claim.failures, 10)) * (0.5 + Math.random() / 2))
      await store.postpone(claim, now() + after, true).catch(() => undefined)
    }
  }

  return {
    async note(conversationId, userIds) {
      if (userIds.length === 0) return
      await store.note({ conversationId, userIds }, pace(), now())
      crashPoint('digest.after-note')
      // Else it is found in time.
      if (afterMs >= LOOK_MS) return
      woken = true
      rouse()
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      rouse()
      await running
    },
  }
}

function deliveryOf(
  mail: DigestDue,
  id: string,
  at: number,
  over: Pick<NewDelivery, 'dropped' | 'found'> | undefined,
): NewDelivery {
  const payload: Letter<DigestDue> = { id, at: new Date(at).toISOString(), mail }
  return {
    id: `mail/${id}`,
    channel: 'mail',
    userId: mail.userId,
    plannedAt: at,
    dueAt: at,
    payload,
    covers: [...mail.conversationIds, ...(mail.more ? [FURTHER] : [])],
    ...over,
  }
}
