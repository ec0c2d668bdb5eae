import { type Behaviour, openPushService, type PushService } from '@parley/infra/push-service'
import type { Why } from '@parley/protocol/notification'
import type { Person } from './actors.ts'
import { NO_DIGESTS } from './digests.ts'
import type { Final } from './history.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import type { Scene } from './workload.ts'

/** A push service that writes down what it has taken, and now and then is busy, or takes a push and never says so. */
export async function openPushes(
  recorder: Recorder,
  { next }: Random,
): Promise<Disposable & { service: PushService; register(person: Person): Promise<void> }> {
  const ends: (() => void)[] = []
  const service = await openPushService({ after: (end) => void ends.push(end) })
  const owners = new Map<string, string>()
  service.behave = () => behaviour(next())
  service.taken = ({ browser, body }, answered) => {
    const { conversationId, seq, count, text } = body as Told
    recorder.note({ type: 'pushed', userId: owners.get(browser.id)!, conversationId, seq, count, text, answered })
  }
  return {
    service,
    async register({ rest }) {
      const { publicKey } = await rest.get<{ publicKey: string }>('/api/notifications/push-key')
      const browser = service.subscribe(publicKey)
      owners.set(browser.id, rest.userId)
      await rest.call('POST', '/api/devices', { ...browser.subscription, name: 'faults' })
    },
    [Symbol.dispose]() {
      for (const end of ends) end()
    },
  }
}

/** What a push says, as `PUSH_CONTENT` is by itself. */
type Told = { conversationId: string; seq: number; count: number; text: string }

function behaviour(dice: number): Behaviour {
  if (dice < 0.05) return { status: 500 }
  if (dice < 0.08) return { status: 429, headers: { 'retry-after': '1' } }
  if (dice < 0.12) return 'cut'
  return dice < 0.13 ? 'hang' : { status: 201 }
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
    const isMailed = !awaitMail || outcome !== 'push' || (mail !== undefined && mail.state !== 'waiting')
    const isOver = outcome !== 'waiting' && !states.includes('waiting') && isMailed
    if (isOver || Date.now() > until)
      return {
        ...{ userId: rest.userId, conversationId, seq, outcome, code, pushes: states },
        ...(mail && { mail: mail.state }),
      }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
