import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import { openRate } from '@parley/kit/rate'
import type { Actor } from '@parley/kit/token'
import type { Mailbox, UserDirectory } from '@parley/protocol/internal'
import type { NoticeTest, NoticeTestStep } from '@parley/protocol/notification'
import type { Letter, TestMail } from './mailer.ts'
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
  users: Pick<UserDirectory, 'mailbox'>
  /** No mail leaves this server: what would be sent is kept for who runs it. */
  capturesMail: boolean
  /** Called when pushes and mail are planned. */
  planned: () => void
  now?: () => number
}): SelfTest {
  const { store, users, capturesMail, planned, now = Date.now } = needs
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
      const [preferences, devices, mailbox] = await Promise.all([
        store.preferences.find([userId]).then((found) => found.get(userId) ?? PREFERRED),
        store.devices.ofUsers([userId]),
        // Where the user service is away the rest is tested all the same.
        users.mailbox(userId).catch(() => undefined),
      ])
      const about = `test/${id}`
      const pushes = devices.map((device) => pushOf(device, id, about, now()))
      const deliveries = [...pushes, ...(mailbox ? [mailOf(mailbox, userId, id, about, now())] : [])]
      await store.deliveries.plan(deliveries)
      planned()
      const told = deliveries.length > 0 ? await triedOf(userId, about, deliveries.length) : []
      return {
        id,
        steps: [
          settingsStep(preferences, new Date(now())),
          devicesStep(devices.length),
          ...devices.map((device) => pushStep(device, told, actor)),
          mailStep(told, capturesMail),
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
function settingsStep({ level, push, doNotDisturbUntil, quietHours }: Preferences, at: Date): NoticeTestStep {
  const held = (text: string): NoticeTestStep => ({ step: 'settings', state: 'held', text })
  if (level === 'none')
    return held(
      'You have turned notifications off for all conversations: you are told of nothing until you turn them on.',
    )
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
  const delivery = told.find((one) => one.channel === 'push' && one.id.endsWith(`/${id}`))
  return {
    step: 'push',
    state: stateOf(delivery),
    text: whyPush(delivery?.state ?? 'planned', delivery?.reason, delivery?.detail),
    device: name,
    current: sessionId === actor.sessionId,
  }
}

function mailOf({ email, username }: Mailbox, userId: string, test: string, about: string, at: number): NewDelivery {
  const mail: TestMail = { kind: 'test', to: email, username, userId }
  const payload: Letter<TestMail> = { id: `test-${test}`, at: new Date(at).toISOString(), mail }
  return { id: `mail/${about}`, channel: 'mail', userId, about, plannedAt: at, dueAt: at, payload }
}

function mailStep(told: readonly Told[], captured: boolean): NoticeTestStep {
  const delivery = told.find(({ channel }) => channel === 'mail')
  if (!delivery) return { step: 'mail', state: 'bad', text: 'Your e-mail address could not be asked for just now.' }
  const { reason, detail } = delivery
  const state = stateOf(delivery)
  switch (state) {
    case 'good':
      if (captured)
        return { step: 'mail', state: 'held', text: 'No mail leaves this server: it was kept for who runs it.' }
      return { step: 'mail', state, text: 'The mail server took it.' }
    case 'waiting':
      if (reason === undefined) return { step: 'mail', state, text: 'It is on its way.' }
      return {
        step: 'mail',
        state,
        text: `The mail server could not take it, and is tried again (${detail ?? reason}).`,
      }
    case 'bad':
      if (reason === 'address.suspended' || reason === 'address.refused')
        return { step: 'mail', state, text: `A mail server has said that your address is none (${detail ?? reason}).` }
      return { step: 'mail', state, text: `It could not be sent (${detail ?? reason ?? 'without a reason'}).` }
    default:
      return state satisfies never
  }
}

function stateOf({ state }: Pick<Told, 'state'> = { state: 'planned' }): 'good' | 'bad' | 'waiting' {
  return state === 'sent' ? 'good' : state === 'failed' || state === 'dropped' ? 'bad' : 'waiting'
}
