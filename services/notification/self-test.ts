import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import { openRate } from '@parley/kit/rate'
import type { Actor } from '@parley/kit/token'
import type { NoticeTest, NoticeTestStep } from '@parley/protocol/notification'
import { isQuiet, PREFERRED, type Preferences } from './preferences.ts'
import type { TestNote } from './push-note.ts'
import type { NewDelivery, Told } from './store/deliveries.ts'
import type { Device } from './store/devices.ts'
import type { NotificationStore } from './store/store.ts'
import { whyPush } from './why.ts'

/** Lets users see whether notices reach them: sends one by every channel, through the ledger and the senders that carry all others. */
export interface SelfTest {
  /** Answers when each was tried once, or after 9 s; what a channel cannot take at once it tries again for a minute. `rate.limited` for more than a few. */
  run(actor: Actor): Promise<NoticeTest>
}

/** Of one user, in each process. */
const PER_SECOND = 1 / 20
const BURST = 3
const WAIT_MS = 9_000
const LOOK_MS = 50
const MOST = 100

export function openSelfTest(needs: {
  store: Pick<NotificationStore, 'deliveries' | 'devices' | 'preferences'>
  /** Called when pushes are planned. */
  planned: () => void
  now?: () => number
}): SelfTest {
  const { store, planned, now = Date.now } = needs
  const rate = openRate(PER_SECOND, BURST)

  /** What has become of them when each was tried, or the time is over. */
  async function triedOf(userId: string, about: string, count: number): Promise<Told[]> {
    for (const end = performance.now() + WAIT_MS; ; await pause(LOOK_MS)) {
      const told = await store.deliveries.about(userId, about, MOST)
      const tried = told.filter(({ settledAt, reason }) => settledAt !== undefined || reason !== undefined)
      if (tried.length >= count || performance.now() >= end) return told
    }
  }

  return {
    async run(actor) {
      const { userId } = actor
      const retryAfterMs = rate.take(userId)
      if (retryAfterMs > 0) throw new Fault('rate.limited', 'That is many tests: wait a moment', { retryAfterMs })
      const id = randomUUID()
      const [preferences, devices] = await Promise.all([
        store.preferences.find([userId]).then((found) => found.get(userId) ?? PREFERRED),
        store.devices.ofUsers([userId]),
      ])
      const about = `test/${id}`
      await store.deliveries.plan(devices.map((device) => pushOf(device, id, about, now())))
      planned()
      const told = devices.length > 0 ? await triedOf(userId, about, devices.length) : []
      return {
        id,
        steps: [
          settingsStep(preferences, new Date(now())),
          devicesStep(devices.length),
          ...devices.map((device) => pushStep(device, told, actor)),
        ],
      }
    },
  }
}

function pushOf({ id: deviceId, userId }: Device, test: string, about: string, at: number): NewDelivery {
  const payload: TestNote = { deviceId, test }
  return { id: `push/${about}/${deviceId}`, channel: 'push', userId, about, plannedAt: at, dueAt: at, payload }
}

/** The first setting that would hold a message back now, by the order of `decide`. */
function settingsStep({ push, doNotDisturbUntil, quietHours }: Preferences, at: Date): NoticeTestStep {
  const held = (text: string): NoticeTestStep => ({ step: 'settings', state: 'held', text })
  if (!push) return held('You have turned push notifications off: messages are not pushed until you turn them on.')
  if (doNotDisturbUntil !== null && Date.parse(doNotDisturbUntil) > at.getTime())
    return held('You asked not to be disturbed for now: until then messages are not pushed.')
  if (isQuiet(quietHours, at)) return held('These are your quiet hours: until they end messages are not pushed.')
  return {
    step: 'settings',
    state: 'good',
    text: 'None of your settings for all conversations holds messages back now.',
  }
}

function devicesStep(count: number): NoticeTestStep {
  if (count === 0)
    return { step: 'devices', state: 'bad', text: 'None of your devices is registered for push notifications.' }
  const text = count === 1 ? 'One device is registered' : `${count} devices are registered`
  return { step: 'devices', state: 'good', text: `${text} for push notifications.` }
}

function pushStep({ id, name, sessionId }: Device, told: readonly Told[], actor: Actor): NoticeTestStep {
  const { state = 'planned', reason, detail } = told.find((one) => one.id.endsWith(`/${id}`)) ?? {}
  return {
    step: 'push',
    state: state === 'sent' ? 'good' : state === 'failed' || state === 'dropped' ? 'bad' : 'waiting',
    text: whyPush(state, reason, detail),
    device: name,
    current: sessionId === actor.sessionId,
  }
}
