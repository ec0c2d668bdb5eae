import { Fault } from '@parley/kit/fault'
import type { PushedItem, Why } from '@parley/protocol/notification'
import type { ChatDirectory } from '@parley/protocol/standing'
import { CAUSES, type Cause } from './decision.ts'
import { aboutOf } from './push-note.ts'
import type { Told } from './store/deliveries.ts'
import type { Device } from './store/devices.ts'
import type { NotificationStore } from './store/store.ts'
import { ROUNDS_KEPT_MS } from './store/watches.ts'
import { whyNot, whyPush, whyPushed } from './why.ts'

/** Tells users why they were told of a message, or were not. */
export interface Story {
  /** `not_found` for a message that the user never could see. */
  of(userId: string, conversationId: string, seq: number): Promise<Why>
}

const MOST_PUSHES = 100

export function openStory(
  store: Pick<NotificationStore, 'watches' | 'deliveries' | 'devices'>,
  chat: ChatDirectory,
  now: () => number = Date.now,
): Story {
  async function pushesOf(userId: string, about: string): Promise<PushedItem[]> {
    const [told, devices] = await Promise.all([
      store.deliveries.about(userId, about, MOST_PUSHES),
      store.devices.ofUsers([userId]),
    ])
    return told.map((one) => pushedItem(one, devices))
  }

  return {
    async of(userId, conversationId, seq) {
      const standing = await chat.standing({ conversationId, fromSeq: seq, toSeq: seq, userIds: [userId] })
      const [member] = standing?.members ?? []
      const [message] = standing?.messages ?? []
      if (!member || !message || seq < member.fromSeq) throw new Fault('not_found', 'There is no such message')
      // Where nobody had to be told, nobody looked at who sent what.
      if (message.senderId === userId)
        return { conversationId, seq, outcome: 'none', code: 'own.message', text: whyNot('own.message') }
      const round = await store.watches.round(conversationId, seq)
      const own = round?.answers.find(
        (answer) => answer.fromSeq <= seq && seq <= answer.toSeq && answer.userIds.includes(userId),
      )
      if (!round || !own) {
        if (Date.parse(message.createdAt) < now() - ROUNDS_KEPT_MS)
          return { conversationId, seq, outcome: 'none', code: 'forgotten', text: 'It is too long ago to say.' }
        return { conversationId, seq, outcome: 'waiting', text: 'It is not decided yet: ask again in a moment.' }
      }
      const said = { conversationId, seq, at: new Date(round.at).toISOString(), code: own.answer }
      if (!isCause(own.answer)) return { ...said, outcome: 'none', text: whyNot(own.answer) }
      const pushes = await pushesOf(userId, aboutOf(conversationId, round.toSeq))
      return { ...said, outcome: 'push', text: whyPushed(own.answer), ...(pushes.length > 0 && { pushes }) }
    },
  }
}

const isCause = (answer: string): answer is Cause => (CAUSES as readonly string[]).includes(answer)

function pushedItem(
  { id, state, reason, detail, dueAt, settledAt, plannedAt }: Told,
  devices: readonly Device[],
): PushedItem {
  const device = devices.find((one) => id.endsWith(`/${one.id}`))?.name ?? ''
  const open = state === 'planned' || state === 'sending'
  const at = new Date(settledAt ?? dueAt ?? plannedAt).toISOString()
  return { device, state: open ? 'waiting' : state, text: whyPush(state, reason, detail), at }
}
