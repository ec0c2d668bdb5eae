import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { crashPoint } from '@parley/kit/crash'
import { Fault, isDefect } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { Channel, Claim, DeliveryStore, Outcome } from './store/deliveries.ts'

/** Sends what is due of one channel, any number of processes together: each delivery by one of them at a time. */
export interface Sender extends AsyncDisposable {
  /** Something was planned that may be due: look at once. */
  wake(): void
}

export interface SenderOptions {
  channel: Channel
  deliveries: DeliveryStore
  /**
   * Sends one, or says why not. The signal aborts before the lease ends: from then on another may send it, so that nothing may
   * leave any more. What it throws is tried again.
   */
  deliver(claim: Claim, signal: AbortSignal): Promise<Outcome>
  /** Told of each outcome that is in the ledger. */
  settled?: (outcome: Outcome) => void
  /** Deliveries under way at once. */
  atOnce: number
  /** How long one may take. */
  sendMs?: number
  /** How long one is kept for us after we are heard of no more; while it takes, we are heard of. */
  leaseMs?: number
  log: Log
  now?: () => number
}

/** What another process planned and did not announce is found within this time. */
const LOOK_EVERY_MS = 5_000
/** Nothing is looked for more often than this, unless something was planned here or has come due. */
const LOOK_LEAST_MS = 1_000
/** How long stopping waits for what is under way. */
const STOP_MS = 5_000
const SETTLE_AGAIN_MS = { first: 100, most: 2_000 }

/** Looks when it is woken, when the next is due, and now and then, until it is disposed. Store failures are waited out. */
export function startSender(options: SenderOptions): Sender {
  const { channel, deliveries, atOnce, sendMs = 60_000, leaseMs = 15_000, log, now = Date.now } = options
  const owner = `${process.pid}.${randomUUID().slice(0, 8)}`
  const stopping = new AbortController()
  const aborting = new AbortController()
  const running = new Set<Promise<void>>()
  let woken = false
  let rouse = (): void => {}
  const looking = look()

  async function look(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      woken = false
      try {
        const free = atOnce - running.size
        const claims = free > 0 ? await deliveries.claim({ channel, owner, now: now(), leaseMs, limit: free }) : []
        for (const claim of claims) begin(claim)
        failures = 0
        // Whoever finishes rouses us.
        if (running.size >= atOnce) await pause(LOOK_EVERY_MS)
        else if (claims.length < free) await pause(await untilNext())
      } catch (error) {
        failures++
        if (isDefect(error)) log.error({ channel, failures, err: error }, 'deliveries cannot be claimed')
        else log.debug({ channel, failures, cause: (error as Error).message }, 'deliveries not claimed')
        await pause(Math.min(LOOK_EVERY_MS, 100 * 2 ** failures) * (0.5 + Math.random() / 2), false)
      }
    }
  }

  /** How long nothing is to be done here. */
  async function untilNext(): Promise<number> {
    const next = await deliveries.nextDue(channel)
    // What is due and was not ours a moment ago is another's: it need not be asked for again at once.
    const wait = next === undefined ? LOOK_EVERY_MS : next - now() <= 0 ? LOOK_LEAST_MS : next - now()
    return Math.min(wait, LOOK_EVERY_MS) + Math.random() * 10
  }

  function begin(claim: Claim): void {
    const work = carry(claim).finally(() => {
      running.delete(work)
      wake()
    })
    running.add(work)
  }

  /** Sends one and says in the ledger what came of it. Never rejects. */
  async function carry(claim: Claim): Promise<void> {
    const lease = hold(claim)
    const signal = AbortSignal.any([aborting.signal, lease.signal, AbortSignal.timeout(sendMs)])
    let outcome: Outcome
    try {
      // Whatever stood still here for so long leaves it to whoever claims it next.
      if (lease.signal.aborted) return
      crashPoint('delivery.before-send')
      outcome = await options.deliver(claim, signal)
      crashPoint('delivery.after-send')
    } catch (error) {
      const at = retryAt(claim.failures, now())
      outcome = { kind: 'retry', at, failed: true, reason: 'error', detail: nameOf(error) }
      const unavailable = error instanceof Fault && error.code === 'unavailable'
      log[unavailable ? 'warn' : 'error']({ channel, delivery: claim.id, err: error }, 'a delivery could not be tried')
    } finally {
      lease[Symbol.dispose]()
    }
    await settle(claim, lease.until(), outcome)
    crashPoint('delivery.after-settle')
  }

  /** Keeps the claim ours until it is disposed. The signal aborts some time before another may have it, which it may only once we could not renew it. */
  function hold({ id, epoch, leaseUntil }: Claim) {
    const lost = new AbortController()
    let until = leaseUntil
    let end: NodeJS.Timeout | undefined
    const watch = (): void => {
      clearTimeout(end)
      const left = until - now() - leaseMs / 5
      if (left > 0) end = setTimeout(() => lost.abort(), left)
      else lost.abort()
    }
    async function renew(): Promise<void> {
      const next = now() + leaseMs
      if (!(await deliveries.renew(id, epoch, next))) return lost.abort()
      until = next
      if (!lost.signal.aborted) watch()
    }
    watch()
    // Where the store is away the lease simply ends.
    const renewing = setInterval(() => void renew().catch(() => {}), leaseMs / 3)
    return {
      signal: lost.signal,
      until: () => until,
      [Symbol.dispose]() {
        clearInterval(renewing)
        clearTimeout(end)
      },
    }
  }

  /** Until it is in the ledger, or the lease is over: then it comes again. */
  async function settle(claim: Claim, until: number, outcome: Outcome): Promise<void> {
    for (let wait = SETTLE_AGAIN_MS.first; now() < until; wait = Math.min(wait * 2, SETTLE_AGAIN_MS.most)) {
      try {
        const ours = await deliveries.settle(claim.id, claim.epoch, outcome, now())
        if (ours) options.settled?.(outcome)
        else
          log.warn({ channel, delivery: claim.id, epoch: claim.epoch }, 'a delivery was claimed by another meanwhile')
        return
      } catch (error) {
        const about = { channel, delivery: claim.id, err: error }
        if (isDefect(error)) log.error(about, 'an outcome cannot be written to the ledger')
        else log.debug(about, 'an outcome is not in the ledger yet')
        await delay(wait, undefined, { signal: aborting.signal }).catch(() => {})
        if (aborting.signal.aborted) return
      }
    }
  }

  /** Until the time is over, we are stopped, or (unless `deaf`) woken. */
  async function pause(ms: number, hears = true): Promise<void> {
    if ((hears && woken) || stopping.signal.aborted) return
    const end = new AbortController()
    rouse = () => {
      if (hears || stopping.signal.aborted) end.abort()
    }
    await delay(ms, undefined, { signal: end.signal }).catch(() => {})
  }

  function wake(): void {
    woken = true
    rouse()
  }

  return {
    wake,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      rouse()
      await looking
      const timer = setTimeout(() => aborting.abort(), STOP_MS)
      await Promise.all(running)
      clearTimeout(timer)
    },
  }
}

const RETRY_MS = { first: 5_000, most: 3_600_000 }

/** When what failed now, and `before` that so many times, is tried again: after growing pauses, with jitter, so that what failed together does not come back together. */
export function retryAt(before: number, now: number, { first, most } = RETRY_MS): number {
  const pause = Math.min(most, first * 2 ** Math.min(before, 30))
  return now + Math.ceil(pause * (0.5 + Math.random() / 2))
}

const nameOf = (error: unknown): string => (error instanceof Fault ? error.code : 'internal')
