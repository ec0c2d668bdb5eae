import { setTimeout as pause } from 'node:timers/promises'
import { newToken } from '@parley/infra/fcm-service'
import { browserOf, newSubscription } from '@parley/infra/push-service'
import type { Why } from '@parley/protocol/notification'
import type { Person } from './actors.ts'
import { NO_DIGESTS } from './digests.ts'
import type { Final } from './history.ts'
import type { Outside } from './outside.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import type { Scene } from './workload.ts'

/** What people are pushed to on: browsers by Web Push, apps by FCM. */
export interface Pushed {
  /** Registers what each has. */
  register(people: readonly Person[]): Promise<void>
  /** A browser loses its subscription, or an app is removed; a moment later there is another in its place. */
  reinstall(random: Random): Promise<void>
  /** Two people change apps: each is signed in on the other's from then on. */
  handOver(random: Random): Promise<void>
}

interface Held {
  kind: 'browser' | 'app'
  owner: Person
  /** What its push service knows it by. */
  address: string
  /** What the server is told of it. */
  given: object
  busy: boolean
}

/** By name, since each shows something else: one has both, some one of them. */
const HELD: Record<string, readonly Held['kind'][]> = {
  ada: ['browser', 'app'],
  bob: ['app'],
  cyd: ['browser'],
  dee: ['browser', 'app'],
}
const FORMS = [
  { platform: 'android', form: 'notification' },
  { platform: 'ios', form: 'notification' },
  { platform: 'android', form: 'data' },
  { platform: 'web', form: 'data' },
] as const

export function openPushed({ push, fcm }: Outside, recorder: Recorder): Pushed {
  const held: Held[] = []
  let names = 0
  let forms = 0

  async function install(kind: Held['kind'], { rest }: Person): Promise<Pick<Held, 'address' | 'given'>> {
    if (kind === 'app') {
      const token = newToken()
      fcm.tell({ registered: token })
      return { address: token, given: { kind: 'fcm', token, ...FORMS[forms++ % FORMS.length] } }
    }
    const { publicKey } = await rest.get<{ publicKey: string }>('/api/notifications/push-key')
    const subscribed = newSubscription(publicKey)
    push.tell({ subscribed })
    return { address: subscribed.id, given: browserOf(subscribed, `127.0.0.1:${push.port}`).subscription }
  }

  async function signIn({ kind, owner, address, given }: Held): Promise<void> {
    const name = `${owner.username}-${kind}-${++names}`
    const startedAt = recorder.now()
    const { userId } = owner.rest
    const { status } = await owner.rest.call('POST', '/api/devices', { ...given, name })
    recorder.note({ type: 'registered', userId, name, address, startedAt, status })
  }

  return {
    async register(people) {
      for (const owner of people)
        for (const kind of HELD[owner.username] ?? []) {
          const one: Held = { kind, owner, ...(await install(kind, owner)), busy: false }
          held.push(one)
          await signIn(one)
        }
    },
    async reinstall({ pick, below }) {
      const one = pick(held)
      if (one.busy) return
      one.busy = true
      if (one.kind === 'app') fcm.tell({ gone: one.address })
      else push.tell({ gone: one.address })
      recorder.note({ type: 'gone', address: one.address })
      await pause(below(6_000))
      Object.assign(one, await install(one.kind, one.owner))
      await signIn(one)
      one.busy = false
    },
    async handOver({ pick }) {
      const apps = held.filter(({ kind, busy }) => kind === 'app' && !busy)
      if (apps.length < 2) return
      const one = pick(apps)
      const other = pick(apps.filter((each) => each !== one))
      one.busy = other.busy = true
      const [first, second] = [one.owner, other.owner]
      one.owner = second
      other.owner = first
      await signIn(one)
      await signIn(other)
      one.busy = other.busy = false
    },
  }
}

const DECIDED_MS = 90_000
const AT_ONCE = 4

/**
 * Asks for each user why they were told of each message, or were not, until all of it is decided and sent: at most 90 s. With
 * `mail` until what became of the mail about it is known as well.
 */
export async function readTold(
  scene: Scene,
  conversations: Final['conversations'],
  mail: boolean,
): Promise<Final['told']> {
  const until = Date.now() + DECIDED_MS
  const asks = scene.people.flatMap((person) =>
    conversations
      .filter(({ members }) => members.some(({ userId }) => userId === person.rest.userId))
      .flatMap(({ id, messages }) => messages.map(({ seq }) => ({ person, id, seq }))),
  )
  const told: Final['told'] = []
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let ask = asks.pop(); ask; ask = asks.pop()) {
        const { person, id, seq } = ask
        const why = await answer(person, id, seq, until, mail && person.email !== NO_DIGESTS)
        if (why) told.push(why)
      }
    }),
  )
  return told
}

async function answer(
  { rest }: Person,
  conversationId: string,
  seq: number,
  until: number,
  awaitMail: boolean,
): Promise<Final['told'][number] | undefined> {
  for (;;) {
    const path = `/api/notifications/why?conversationId=${conversationId}&seq=${seq}`
    const { status, body } = await rest.call('GET', path)
    // From before one joined.
    if (status === 404) return undefined
    const { outcome, code = '', pushes = [], mail } = body as Why
    const states = pushes.map(({ state }) => state)
    const seen = pushes.map(({ device, state, text }) => ({ device, state, text }))
    const isMailed = !awaitMail || outcome !== 'push' || (mail !== undefined && mail.state !== 'waiting')
    const isOver = outcome !== 'waiting' && !states.includes('waiting') && isMailed
    if (isOver || Date.now() > until)
      return {
        ...{ userId: rest.userId, conversationId, seq, outcome, code, pushes: seen },
        ...(mail && { mail: mail.state }),
      }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
