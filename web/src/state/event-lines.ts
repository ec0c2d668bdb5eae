import type { TimelineView } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { nameOf } from './people.ts'

type ShownEvent = TimelineView['events'][number]

/** Above so many names the others are counted. */
const NAMED = 3

/** What happened, each in a sentence; people who came or went in the same way, one after the other, in one. */
export function eventLines(events: readonly ShownEvent[], me: string): string[] {
  const runs: ShownEvent[][] = []
  for (const event of events) {
    const run = runs.at(-1)
    const way = wayOf(event)
    if (run && way !== undefined && way === wayOf(run[0]!)) run.push(event)
    else runs.push([event])
  }
  return runs.map((run) => sentence(run, me))
}

/** The same for what is told together; undefined for what always stands alone. */
function wayOf(event: ShownEvent): string | undefined {
  if (event.kind === 'members.added') return event.inviteId === undefined ? `added by ${event.senderId}` : 'joined'
  if (event.kind === 'members.removed') return leaves(event) ? 'left' : `removed by ${event.senderId}`
  return undefined
}

const leaves = (event: Extract<ShownEvent, { kind: 'members.removed' }>): boolean =>
  event.userIds.every((userId) => userId === event.senderId)

function sentence(run: readonly ShownEvent[], me: string): string {
  const [event] = run
  if (!event) return ''
  const words = strings.events
  const names = Object.assign({}, ...run.map((one) => one.names)) as Record<string, string>
  // So that a name that is written from right to left leaves the sentence as it is.
  const named = (userId: string): string => {
    const name = names[userId]
    return name === undefined ? words.someone : `\u2068${nameOf(name)}\u2069`
  }
  const by = event.senderId === me ? words.you : named(event.senderId)
  const whom = (userIds: readonly string[], self: string): string => {
    const first = self === words.you && userIds.includes(me) ? [me] : []
    const all = [...new Set([...first, ...userIds])].map((userId) => (userId === me ? self : named(userId)))
    return words.people(
      all.length > NAMED ? all.slice(0, NAMED - 1) : all,
      all.length > NAMED ? all.length - NAMED + 1 : 0,
    )
  }
  const those = run.flatMap((one) => ('userIds' in one ? one.userIds : []))
  switch (event.kind) {
    case 'created':
      return words.created(by)
    case 'members.added':
      return event.inviteId === undefined
        ? words.added(by, whom(those, words.youAsObject))
        : words.joined(whom(those, words.you))
    case 'members.removed':
      return leaves(event) ? words.left(whom(those, words.you)) : words.removed(by, whom(those, words.youAsObject))
    case 'members.role':
      return words.role[event.role](by, whom([event.userId], words.youAsObject))
    case 'renamed':
      return words.renamed(by, `\u2068${event.title}\u2069`)
    case 'described':
      return event.description ? words.described(by) : words.undescribed(by)
    case 'timer.changed':
      return event.disappearAfterMs === null ? words.timerOff(by) : words.timer(by, period(event.disappearAfterMs))
    case 'message.pinned':
      return event.on ? words.pinned(by) : words.unpinned(by)
    default:
      return event satisfies never
  }
}

const UNITS = [
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** A length of time in its largest unit that says it exactly. */
export function period(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms >= length && ms % length === 0) ?? UNITS[4]
  const count = Math.max(1, Math.round(ms / size))
  return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' }).format(count)
}
