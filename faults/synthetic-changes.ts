import type { Amendment } from '@parley/sdk/types'
import type { Bug } from './bugs.ts'
import type { Final, SeenMessage } from './history.ts'

/** What the synthetic system makes of a message that is changed. `chance` says when a bug shows. */
export function applied(
  message: SeenMessage,
  action: Amendment,
  userId: string,
  bug: Bug | undefined,
  chance: (probability: number) => boolean,
): SeenMessage {
  const { text: _, edits = 0, reactions = [], deleted: __, ...rest } = message
  if (action.kind === 'delete') return { ...rest, text: '', deleted: true }
  if (action.kind === 'edit') {
    const behind = bug === 'the later clock wins' && chance(0.3)
    return { ...rest, reactions, edits: edits + 1, text: behind ? message.text : action.text }
  }
  const { emoji } = action
  const has = reactions.some((r) => r.emoji === emoji && r.userIds.includes(userId))
  const on = bug === 'a reaction toggles' ? !has : action.on
  if (on === has) return message
  const others = reactions.map((r) =>
    r.emoji === emoji ? { emoji, userIds: r.userIds.filter((id) => id !== userId) } : r,
  )
  const known = others.some((r) => r.emoji === emoji)
  const next = known ? others : [...others, { emoji, userIds: [] }]
  return {
    ...message,
    reactions: next
      .map((r) => (on && r.emoji === emoji ? { emoji, userIds: [...r.userIds, userId] } : r))
      .filter((r) => r.userIds.length > 0),
  }
}

/** What the synthetic system's people see of each other at the end. */
export function contactsWith(bug: Bug | undefined): Final['contacts'] {
  const crossed = bug === 'crossing requests' ? 'outgoing' : 'friends'
  const asked = { userId: 'dee', otherId: 'cy', status: 'incoming' }
  return [
    { userId: 'ann', otherId: 'ben', status: crossed },
    { userId: 'ben', otherId: 'ann', status: crossed },
    { userId: 'cy', otherId: 'dee', status: 'outgoing' },
    ...(bug === 'two rows for one friendship' ? [asked, asked] : [asked]),
  ]
}
