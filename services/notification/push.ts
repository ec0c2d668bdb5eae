import { createHash } from 'node:crypto'
import type { Log } from '@parley/kit/log'
import type { ChatDirectory } from '@parley/protocol/standing'
import { decide } from './decision.ts'
import { PREFERRED } from './preferences.ts'
import { bodyOf } from './push-body.ts'
import { FRESH_MS, isTest, type PushNote, shownOf, type TestNote, upToOf } from './push-note.ts'
import type { Push, PushOutcome, PushService, PushServices } from './push-service.ts'
import { retryAt, type Sender, startSender } from './sender.ts'
import type { Claim, Outcome, Reason } from './store/deliveries.ts'
import type { Device } from './store/devices.ts'
import type { NotificationStore } from './store/store.ts'

/** Pushes under way at once. */
const AT_ONCE = 32
/** After that it is not worth waking anybody. */
const WORTH_MS = 4 * 3_600_000
const TEST_WORTH_MS = 60_000
const SEND_MS = 8_000
/** A device that so many pushes in a row were refused for, where that may be for its sake, is registered no more. */
const MOST_REFUSED = 5

/** Sends the pushes that are planned: each once, or again with growing pauses while a push service cannot take it. */
export function startPush(needs: {
  store: Pick<NotificationStore, 'deliveries' | 'devices' | 'preferences'>
  chat: ChatDirectory
  services: PushServices
  log: Log
  settled?: (outcome: Outcome) => void
  /** Told what a push service has said. */
  answered?: (service: keyof PushServices, outcome: PushOutcome) => void
  retryMs?: { first: number; most: number }
  now?: () => number
}): Sender {
  const { store, chat, services, retryMs, answered, now = Date.now } = needs

  async function deliver(claim: Claim, signal: AbortSignal): Promise<Outcome> {
    const planned = claim.payload as PushNote | TestNote // as `pushesOf` or the self-test planned it
    const until = claim.plannedAt + (isTest(planned) ? TEST_WORTH_MS : WORTH_MS)
    if (now() >= until) return { kind: 'failed', reason: 'too.late' }
    const isFresh = claim.epoch === 1 && now() - claim.plannedAt <= FRESH_MS
    const current = isFresh || isTest(planned) ? planned : await asOfNow(planned, claim)
    if ('reason' in current) return { kind: 'dropped', ...current }
    // Asked last: while the rest was, the session may have ended, and the device become another's.
    const device = await store.devices.find(current.deviceId)
    if (!device || device.userId !== claim.userId) return { kind: 'dropped', reason: 'device.gone' }
    if (signal.aborted) return { kind: 'retry', at: now(), reason: 'stopped' }
    const { kind } = device.address
    const service: PushService<Device['address']> | undefined = services[kind]
    if (!service) return { kind: 'dropped', reason: 'push.off' }
    const push: Push = {
      body: bodyOf(current, service.content, service.bytes),
      topic: topicOf(isTest(current) ? 'test' : current.conversationId),
      urgency: !isTest(current) && current.because === 'message' && current.kind === 'group' ? 'normal' : 'high',
      ttlS: Math.ceil((until - now()) / 1_000),
    }
    const outcome = await service.send(device.address, push, signal)
    answered?.(kind, outcome)
    return settledAs(outcome, device, claim, until)
  }

  async function settledAs(outcome: PushOutcome, device: Device, claim: Claim, until: number): Promise<Outcome> {
    switch (outcome.kind) {
      case 'taken':
        // It has left: whatever comes of this, it is not sent again for it.
        if (device.refused > 0) await store.devices.accepted(device.id).catch(() => undefined)
        return { kind: 'sent', ...(outcome.providerId !== undefined && { providerId: outcome.providerId }) }
      case 'later': {
        const at = Math.max(retryAt(claim.failures, now(), retryMs), now() + (outcome.afterMs ?? 0))
        const { detail } = outcome
        return at < until
          ? { kind: 'retry', at, failed: true, reason: 'push.busy', detail }
          : { kind: 'failed', reason: 'too.late', detail }
      }
      case 'gone':
        await store.devices.remove(device.id, device.userId)
        return { kind: 'failed', reason: 'device.gone', detail: outcome.detail }
      case 'refused': {
        const gone = outcome.suspect && (await store.devices.refused(device.id, device.userId, MOST_REFUSED))
        return { kind: 'failed', reason: gone ? 'device.gone' : 'push.refused', detail: outcome.detail }
      }
      default:
        return outcome satisfies never
    }
  }

  /**
   * In the words of now, since what was said may have been edited; or why nothing would be told now. Of several messages the one that is
   * named decides: what came after it has the same answer, or a push of its own.
   */
  async function asOfNow(note: PushNote, claim: Claim): Promise<PushNote | Reason> {
    const [userId, { conversationId, seq }] = [claim.userId!, note]
    const standing = await chat.standing({ conversationId, fromSeq: seq, toSeq: seq, userIds: [userId] })
    const [message] = standing?.messages ?? []
    if (!standing || !message) return { reason: 'message.gone' }
    const { kind, title } = standing
    const [member] = standing.members
    const preferences = (await store.preferences.find([userId])).get(userId) ?? PREFERRED
    const decision = decide({ userId, kind, member, message, preferences, devices: 1, at: new Date(now()) })
    if (decision.outcome === 'none') return { reason: decision.reason }
    // What was sent of the conversation since stands where this would: older words must not take the place of newer ones.
    const shown = shownOf(conversationId, upToOf(claim.about!), note.deviceId)
    if (await store.deliveries.overtaken(userId, shown)) return { reason: 'overtaken' }
    return { ...note, title, sender: message.sender, text: message.text, because: decision.because }
  }

  return startSender({
    ...needs,
    channel: 'push',
    deliveries: store.deliveries,
    atOnce: AT_ONCE,
    deliver,
    sendMs: SEND_MS,
  })
}

/** For one conversation always the same, and says nothing of it. */
const topicOf = (conversationId: string): string =>
  createHash('sha256').update(conversationId).digest('base64url').slice(0, 32)
