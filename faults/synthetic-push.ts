import type { Bug } from './bugs.ts'
import type { Event, Final } from './history.ts'
import { random } from './random.ts'

/** Long after the last fault: then there is no excuse for a copy. */
const CALM_MS = 300_000

/** What a right notification service, or one with a bug, would have pushed of the messages that are there at the end, and would say of each. */
export function pushOf(
  seed: number,
  start: number,
  final: Final,
  bug: Bug | undefined,
): { told: Final['told']; pushed: Event[] } {
  const { chance } = random(seed + 2_000_003)
  const told: Final['told'] = []
  const pushed: Event[] = []
  for (const { id: conversationId, messages, members, marks } of final.conversations) {
    for (const { seq, senderId, text, deleted } of messages) {
      for (const { userId, fromSeq } of members) {
        if (seq < fromSeq) continue
        const at = start + CALM_MS + seq * 100
        const say = (outcome: 'push' | 'none' | 'waiting', code: string, pushes: string[] = []): void =>
          void told.push({ userId, conversationId, seq, outcome, code, pushes })
        const push = (after: number, count = 1, says = text): void =>
          void pushed.push({
            at: at + after,
            type: 'pushed',
            userId,
            conversationId,
            seq,
            count,
            text: says,
            answered: true,
          })
        const isRead = marks.some((mark) => mark.userId === userId && mark.readSeq >= seq)
        if (senderId === userId) {
          say('none', 'own.message')
          if (bug === 'own messages are pushed' && chance(0.1)) push(10)
        } else if (deleted) {
          say('none', 'message.gone')
          if (bug === 'a push of what was deleted' && chance(0.3)) push(10, 1, 'an earlier text')
        } else if (isRead && chance(0.5)) say('none', 'read')
        else if (bug === 'no push without a reason that is true' && chance(0.1)) say('none', isRead ? 'muted' : 'read')
        else if (bug === 'a push is forgotten with its process' && chance(0.1)) say('waiting', '')
        else {
          say('push', 'message', ['sent'])
          if (bug === 'a push is marked before it leaves' && seq === messages.at(-1)!.seq) continue
          push(10)
          if (bug === 'two nodes push the same' && chance(0.1)) push(12)
          if (bug === 'a push after a fault tells something else' && chance(0.1)) push(14, 2)
        }
      }
    }
  }
  return { told, pushed }
}
