import type { Bug } from './bugs.ts'
import type { Event, Final } from './history.ts'
import { random } from './random.ts'

/** Long after the last fault: then there is no excuse for a copy. */
const CALM_MS = 300_000

const KINDS = ['browser', 'app'] as const

/** What a right notification service, or one with a bug, would have pushed of the messages that are there at the end, and would say of each. */
export function pushOf(
  seed: number,
  start: number,
  final: Final,
  bug: Bug | undefined,
): { told: Final['told']; pushed: Event[] } {
  const { chance } = random(seed + 2_000_003)
  const told: Final['told'] = []
  const pushed: Event[] = final.people.flatMap(({ userId }) =>
    KINDS.map((kind) => registered(-1, userId, `${userId}-${kind}`, addressOf(userId, kind))),
  )
  for (const { id: conversationId, messages, members } of final.conversations) {
    for (const { seq, senderId, text, deleted } of messages) {
      for (const { userId, fromSeq } of members) {
        if (seq < fromSeq) continue
        const at = start + CALM_MS + seq * 100
        const say = (outcome: 'push' | 'none' | 'waiting', code: string, devices: string[] = []): void =>
          void told.push({
            ...{ userId, conversationId, seq, outcome, code },
            pushes: devices.map((device) => ({ device, state: 'sent', text: 'The push service took it.' })),
          })
        const push = (after: number, more: Partial<Extract<Event, { type: 'pushed' }>> = {}): void =>
          void pushed.push({
            ...{
              at: at + after,
              type: 'pushed',
              by: 'push',
              address: addressOf(userId, 'browser'),
              conversationId,
              seq,
              count: 1,
            },
            ...{ text, place: conversationId, answered: true, ...more },
          })
        const isRead = isReadBy(final, userId, conversationId, seq)
        if (senderId === userId) {
          say('none', 'own.message')
          if (bug === 'own messages are pushed' && chance(0.1)) push(10)
        } else if (deleted) {
          say('none', 'message.gone')
          if (bug === 'a push of what was deleted' && chance(0.3)) push(10, { text: 'an earlier text' })
        } else if (isRead && chance(0.5)) say('none', 'read')
        else if (bug === 'no push without a reason that is true' && chance(0.1)) say('none', isRead ? 'muted' : 'read')
        else if (bug === 'a device is not found' && chance(0.1)) say('none', 'no.device')
        else if (bug === 'a push is forgotten with its process' && chance(0.1)) say('waiting', '')
        else {
          const isLeftOut = bug === 'a device is left out' && chance(0.1)
          say('push', 'message', [`${userId}-browser`, ...(isLeftOut ? [] : [`${userId}-app`])])
          if (bug === 'a push is marked before it leaves' && seq === messages.at(-1)!.seq) continue
          push(10)
          if (!isLeftOut && !(bug === 'a push leaves for one device of two' && seq === messages.at(-1)!.seq))
            push(11, { address: addressOf(userId, 'app') })
          // Its server died before it could say that it was taken: it comes again, and is shown once.
          const isCopied = chance(0.1)
          const place = bug === 'a copy has another tag' ? 'another' : conversationId
          if (isCopied) push(2_000, { address: addressOf(userId, 'app'), place })
          if (isCopied) pushed[pushed.length - 2] = { ...pushed[pushed.length - 2]!, answered: false } as Event
          if (bug === 'two nodes push the same' && chance(0.1)) push(12)
          if (bug === 'a push after a fault tells something else' && chance(0.1)) push(14, { count: 2 })
          if (
            bug === 'a device is still that of whoever had it' &&
            userId === 'dee' &&
            senderId !== 'cy' &&
            chance(0.5)
          )
            push(16, { address: addressOf('cy', 'app') })
        }
      }
    }
  }
  return { told, pushed: [...pushed, ...goneApp(start + CALM_MS * 2, bug)] }
}

const addressOf = (userId: string, kind: (typeof KINDS)[number]): string => `${userId} at its ${kind}`

const registered = (at: number, userId: string, name: string, address: string): Event => ({
  ...{ at, type: 'registered', userId, name, address, startedAt: at - 1, status: 201 },
})

const isReadBy = ({ conversations }: Final, userId: string, conversationId: string, seq: number): boolean =>
  conversations.some(
    ({ id, marks }) => id === conversationId && marks.some((mark) => mark.userId === userId && mark.readSeq >= seq),
  )

/** After all that was said somebody registers another app, and removes it from their phone. */
function goneApp(at: number, bug: Bug | undefined): Event[] {
  const address = 'a second app'
  const away = (after: number): Event => ({ at: at + after, type: 'turned.away', by: 'fcm', address, answered: true })
  return [
    registered(at, 'ann', 'ann-second', address),
    { at: at + 10, type: 'gone', address },
    away(100),
    away(900),
    ...(bug === 'what is gone is kept' ? [away(60_000)] : []),
  ]
}
