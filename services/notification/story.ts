import { Fault } from '@parley/kit/fault'
import type { PushedItem, Why } from '@parley/protocol/notification'
import type { ChatDirectory } from '@parley/protocol/standing'
import { answerFor, isCause } from './answers.ts'
import type { Cause, Reason } from './decision.ts'
import { whyDigest, whyNotInDigest } from './mail/why-digest.ts'
import { aboutOf } from './push-note.ts'
import type { Found, Told } from './store/deliveries.ts'
import type { Device } from './store/devices.ts'
import type { NotificationStore } from './store/store.ts'
import { ROUNDS_KEPT_MS, type Round } from './store/watches.ts'
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

  /** The first digest of that conversation after it: that told of all that was unread there when it left. */
  async function mailOf(userId: string, { conversationId, at }: Round, seq: number): Promise<Why['mail']> {
    const first = await store.deliveries.covering(userId, conversationId, at)
    if (!first) return undefined
    const nothing = nothingOf(first.found, seq)
    const [state, told] = [stateOf(first), { at: timeOf(first) }]
    if (nothing === undefined) return { state, text: whyDigest(first.state, first.reason), ...told }
    if (state === 'sent') return { state: 'dropped', text: whyNotInDigest(nothing), ...told }
    return { state, text: whyDigest(first.state, nothing), ...told }
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
      if (Date.parse(message.createdAt) < now() - ROUNDS_KEPT_MS)
        return { conversationId, seq, outcome: 'none', code: 'forgotten', text: 'It is too long ago to say.' }
      const round = await store.watches.round(conversationId, seq)
      const own = round && answerFor(round.answers, userId, seq)
      if (!round || !own)
        return { conversationId, seq, outcome: 'waiting', text: 'It is not decided yet: ask again in a moment.' }
      const said = { conversationId, seq, at: new Date(round.at).toISOString(), code: own }
      const mail = NEVER_MAILED.has(own) ? undefined : await mailOf(userId, round, seq)
      if (!isCause(own)) return { ...said, outcome: 'none', text: whyNot(own), ...(mail && { mail }) }
      const pushes = await pushesOf(userId, aboutOf(conversationId, round.toSeq))
      return {
        ...said,
        outcome: 'push',
        text: whyPushed(own),
        ...(pushes.length > 0 && { pushes }),
        ...(mail && { mail }),
      }
    },
  }
}

/** Whoever was given such an answer had nothing that a mail could tell of. */
const NEVER_MAILED: ReadonlySet<Cause | Reason> = new Set([
  ...(['own.message', 'not.member', 'before.joining', 'message.gone', 'blocked'] as const),
  ...(['read', 'muted', 'level.none', 'level.mentions', 'all.none', 'all.mentions', 'active.device'] as const),
])

function pushedItem(told: Told, devices: readonly Device[]): PushedItem {
  const { id, state, reason, detail } = told
  const device = devices.find((one) => id.endsWith(`/${one.id}`))?.name ?? ''
  return { device, state: stateOf(told), text: whyPush(state, reason, detail), at: timeOf(told) }
}

/** Why a digest told nothing of a message; undefined where it did, or it is not known. */
function nothingOf(found: Found | undefined, seq: number): string | undefined {
  if (!found) return undefined
  if ('reason' in found) return found.reason
  return seq < found.fromSeq ? 'read' : undefined
}

const stateOf = ({ state }: Told): PushedItem['state'] =>
  state === 'planned' || state === 'sending' ? 'waiting' : state

const timeOf = ({ settledAt, dueAt, plannedAt }: Told): string =>
  new Date(settledAt ?? dueAt ?? plannedAt).toISOString()
