import type { Bus } from '@parley/kit/bus/bus'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Mail } from '@parley/protocol/mail'
import type { DigestDue, DigestNow, Digests } from './mail/digest.ts'
import { isThere, openPlanMail } from './mail/planning.ts'
import { subscribeSecurity } from './mail/security-mails.ts'
import type { Letter, Mailer, Posted } from './mailer.ts'
import { retryAt, startSender } from './sender.ts'
import {
  ACCOUNT_DELETED,
  type Claim,
  type DeliveryStore,
  type Found,
  type NewDelivery,
  type Outcome,
  type Reason,
} from './store/deliveries.ts'
import type { PreferenceStore } from './store/preferences.ts'
import type { Suspensions } from './suspension.ts'

/** How long a letter without a link is worth sending. */
const WORTH_MS = 24 * 3_600_000
const TEST_WORTH_MS = 60_000
/** A cause older than this plans nothing: the ledger may have forgotten that it was sent (`KEPT_MS`). */
const TOO_OLD_MS = 14 * 86_400_000
/** A digest that meets quiet hours is looked at again after that. */
const QUIET_MS = 10 * 60_000
/** Letters being handed over at once. */
export const MAILS_AT_ONCE = 4

/** How long mail takes: pauses between tries, a try, a lease, the wait for a connection and for each answer of the server. */
export interface MailPace {
  retryMs?: { first: number; most: number }
  sendMs?: number
  leaseMs?: number
  connectMs?: number
  answerMs?: number
}

export interface MailService extends AsyncDisposable {
  /** Something was planned. */
  wake(): void
}

/**
 * Takes every mail that is asked for into the ledger, once, and sends it: at once, and again with growing pauses while the server
 * cannot take it, until its link has ended or a day is over. What is not sent keeps its reason. Disposing stops both.
 */
export async function startMail(needs: {
  deliveries: DeliveryStore
  suspensions: Suspensions
  /** A server has said that nobody is where that letter of that user went. Resolves when it is kept. */
  refused?: (deliveryId: string, userId: string) => Promise<void>
  /** Who is there: nobody else is mailed. */
  users: Pick<UserDirectory, 'find'>
  mailer: Mailer
  /** What a digest tells when it is sent. */
  digests: Digests
  /** What each user's mail is written in. */
  preferences: Pick<PreferenceStore, 'find'>
  bus: Bus
  log: Log
  settled?: (outcome: Outcome) => void
  /** Pauses between tries. */
  retryMs?: { first: number; most: number }
  now?: () => number
  sendMs?: number
  leaseMs?: number
}): Promise<MailService> {
  const { deliveries, suspensions, users, mailer, digests, preferences, bus, log, retryMs, now = Date.now } = needs
  const sender = startSender({ ...needs, channel: 'mail', atOnce: MAILS_AT_ONCE, deliver })
  const plan = openPlanMail({ deliveries, users, planned: sender.wake, now })
  const subscription = await bus.subscribe('notification.mail', async ({ id, occurredAt, data }) => {
    const { confirmed } = data as { confirmed?: string }
    if (confirmed !== undefined) await suspensions.lift(confirmed)
    await plan(deliveryOf({ id, at: occurredAt, mail: data }, now()))
  })

  const security = await subscribeSecurity({ bus, plan, now })

  async function deliver(claim: Claim, signal: AbortSignal): Promise<Outcome> {
    const kept = claim.payload as Letter<Posted | DigestDue> // as it was planned here, or by `digest-rounds.ts`
    if (linkEnded(kept.mail, now())) return { kind: 'dropped', ...LINK_ENDED }
    const isLate = now() >= endOf(claim, kept)
    const { userId } = kept.mail
    if (userId !== undefined && !(await isThere(users, userId))) return { kind: 'dropped', ...ACCOUNT_DELETED }
    const letter = await written(kept)
    if ('reason' in letter) {
      const at = now() + QUIET_MS
      const isHeld = letter.reason === 'quiet.hours' || letter.reason === 'do.not.disturb'
      const { reason, found } = letter
      if (isHeld && at < endOf(claim, kept)) return { kind: 'retry', at, reason }
      return { kind: 'dropped', reason, ...(found && { found }) }
    }
    if (isLate) return { kind: 'failed', ...TOO_LATE }
    const { found, ...sent } = letter
    const { to, kind } = sent.mail
    const way = await suspensions.mayGo(to, {
      id: claim.id,
      urgent: kind === 'password.reset' || kind === 'email.change',
    })
    if (way !== true) return { kind: 'failed', reason: 'address.suspended', detail: way.detail }
    if (signal.aborted) return { kind: 'retry', at: now(), reason: 'stopped' }
    const handover = await mailer.send(sent, signal)
    switch (handover.kind) {
      case 'taken':
        await suspensions.lift(to).catch((error: Error) => log.debug({ cause: error.message }, 'a suspension stays'))
        return {
          kind: 'sent',
          ...(handover.providerId !== undefined && { providerId: handover.providerId }),
          ...(found && { found }),
        }
      case 'later': {
        const { detail } = handover
        const at = retryAt(claim.failures, now(), retryMs)
        if (at >= endOf(claim, kept)) return { kind: 'failed', ...TOO_LATE, detail }
        return { kind: 'retry', at, failed: true, reason: 'server.busy', detail }
      }
      case 'refused':
        if (!handover.address) return { kind: 'failed', reason: 'mail.refused', detail: handover.detail }
        if (claim.userId !== undefined) await needs.refused?.(claim.id, claim.userId)
        await suspensions.suspend(to, handover.detail)
        return { kind: 'failed', reason: 'address.refused', detail: handover.detail }
      default:
        return handover satisfies never
    }
  }

  /** As it is to leave now: in the reader's language, and of a digest what is unread still, with what was found where. */
  async function written({ id, at, mail }: Letter<Posted | DigestDue>): Promise<(Letter | Reason) & Finding> {
    const now: DigestNow | { mail: Posted; found?: undefined } =
      'conversationIds' in mail ? await digests(mail) : { mail }
    if ('reason' in now) return now
    const { userId } = mail
    const set = userId === undefined ? undefined : (await preferences.find([userId])).get(userId)
    return { id, at, mail: now.mail, ...(set && { locale: set.locale }), ...(now.found && { found: now.found }) }
  }

  return {
    wake: sender.wake,
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]()
      await security[Symbol.asyncDispose]()
      await sender[Symbol.asyncDispose]()
    },
  }
}

/** What was found in the conversations of a digest. */
interface Finding {
  found?: readonly Found[]
}

const LINK_ENDED: Reason = { reason: 'link.ended' }
const TOO_LATE: Reason = { reason: 'too.late' }

function deliveryOf(letter: Letter<Mail>, now: number): NewDelivery {
  const { id, at, mail } = letter
  const tooOld = Date.parse(at) + TOO_OLD_MS <= now
  const dropped = linkEnded(mail, now) ? LINK_ENDED : tooOld ? TOO_LATE : undefined
  return {
    id: `mail/${id}`,
    channel: 'mail',
    ...(mail.userId !== undefined && { userId: mail.userId }),
    plannedAt: now,
    dueAt: now,
    payload: letter,
    ...(dropped && { dropped }),
  }
}

const linkEnded = (mail: Posted | DigestDue, now: number): boolean =>
  'link' in mail && Date.parse(mail.expiresAt) <= now

const endOf = ({ plannedAt }: Claim, { mail }: Letter<Posted | DigestDue>): number =>
  'link' in mail ? Date.parse(mail.expiresAt) : plannedAt + (isTestMail(mail) ? TEST_WORTH_MS : WORTH_MS)

const isTestMail = (mail: Posted | DigestDue): boolean => 'kind' in mail && mail.kind === 'test'
