import type { Bug } from './bugs.ts'
import { DIGEST_EVERY_MS } from './check/digests.ts'
import type { Event, Final } from './history.ts'
import { random } from './random.ts'

/** Long after the last fault: then there is no excuse for a copy. */
const CALM_MS = 900_000
const ROUNDS = 4
const APART_MS = 12_000

/** What a right notification service, or one with a bug, would mail to people who have not read what there is, and what it would say became of it. */
export function digestsOf(
  seed: number,
  start: number,
  events: readonly Event[],
  final: Final,
  bug: Bug | undefined,
): { told: Final['told']; digested: Event[] } {
  const { chance } = random(seed + 4_000_037)
  const digested: Event[] = []
  const told: Final['told'] = []
  const sent = new Map(events.flatMap((event) => (event.type === 'send' ? [[event.id, event.text]] : [])))
  const deleted = new Set(
    final.conversations.flatMap(({ messages }) => messages.flatMap((one) => (one.deleted ? [one.id] : []))),
  )
  const erased = (id: string): string | undefined =>
    bug === 'a digest keeps what was deleted' && deleted.has(id) ? sent.get(id) : undefined
  for (const { userId, email: to, digests } of final.people) {
    const own = final.told.filter((one) => one.userId === userId)
    const isBounced = userId === 'ann'
    const wanted = digests || bug === 'a digest to who wants none'
    const texts = wanted && !isBounced ? unreadBy(userId, final, bug, erased) : []
    let arrived = false
    for (let round = 0; round < ROUNDS; round++) {
      const at = start + CALM_MS + round * APART_MS
      const mail = (after: number, id: string): void => {
        arrived = true
        const written = at + after
        digested.push({
          ...{ at: written, type: 'digested', to, id, texts, answered: true },
          writtenAt: written - (written % 1_000),
        })
      }
      const name = `<digest-${userId}-${round}@example.org>`
      const isTried = round === 0 || bug === 'a bounce is not remembered'
      if (isBounced && isTried) digested.push({ at: at + 20_000 * round, type: 'bounced', to })
      if (texts.length === 0 || bug === 'a digest is marked before it leaves') continue
      mail(0, name)
      if (bug === 'a digest is sent by whoever looks' && chance(0.5)) mail(50, name)
      if (bug === 'every try of a digest is another' && chance(0.5))
        mail(DIGEST_EVERY_MS / 2, `<digest-${userId}-${round}-again@example.org>`)
    }
    const became = isBounced ? 'failed' : arrived || bug === 'a digest is marked before it leaves' ? 'sent' : 'dropped'
    const forgets = bug === 'a digest is forgotten with its process'
    for (const one of own) {
      const isDue = one.outcome === 'push' && digests && !(forgets && chance(0.1))
      told.push({ ...one, ...(isDue && { mail: became }) })
    }
  }
  return { told, digested }
}

/** The texts of others that somebody has not read, as they are at the end. */
function unreadBy(
  userId: string,
  { conversations }: Final,
  bug: Bug | undefined,
  erased: (id: string) => string | undefined,
): string[] {
  return conversations.flatMap(({ messages, members, marks }) => {
    const member = members.find((each) => each.userId === userId)
    const readSeq = marks.find((mark) => mark.userId === userId)?.readSeq ?? 0
    const isTold = (id: string, seq: number): boolean =>
      seq > readSeq || bug === 'a digest is written when it is planned' || erased(id) !== undefined
    if (!member) return []
    return messages
      .filter(({ id, seq, senderId }) => senderId !== userId && seq >= member.fromSeq && isTold(id, seq))
      .flatMap(({ id, text, deleted }) => (deleted ? (erased(id) ?? []) : text))
  })
}
