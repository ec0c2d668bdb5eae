import type { Bug } from './bugs.ts'
import type { Event } from './history.ts'
import { random } from './random.ts'

const APART_MS = 20_000

/** What a right notification service would do with links that people ask for while it is killed and its answers get lost, from `start` on; or one with a bug. */
export function mailOf(seed: number, start: number, bug: Bug | undefined): Event[] {
  const { chance, below } = random(seed + 1_000_003)
  const events: Event[] = []
  let letters = 0
  for (let round = 0; round < 6; round++) {
    for (const to of ['ann@example.org', 'ben@example.org']) {
      const at = start + round * APART_MS + below(1_000)
      events.push({ at, type: 'forgot', to, askedAt: at, status: chance(0.1) ? undefined : 202 })
      const id = `<letter-${letters++}@example.org>`
      const mailed = (after: number, name = id, answered = true): void =>
        void events.push({ at: at + after, type: 'mailed', to, id: name, writtenAt: at - (at % 1_000), answered })
      const crash = chance(0.7)
      const silent = !crash && chance(0.3)
      if (crash) {
        const target = chance(0.5) ? 'notification-1' : 'parley'
        events.push({ at: at + 100, type: 'fault', what: 'kill', target, phase: 'begin' })
        events.push({ at: at + 300, type: 'fault', what: 'kill', target, phase: 'end' })
      }
      // Killed before or after the server took it: it leaves, or leaves once more, when the lease is over.
      const early = !crash || chance(0.3)
      if (early) mailed(90, id, !silent)
      const again = crash || silent
      if (again && bug !== 'a letter is not in the ledger before it leaves')
        mailed(15_200, bug === 'every try is a new letter' ? `<other-${letters++}@example.org>` : id)
      if (bug === 'a letter is sent by whoever hears of it' && early) mailed(120)
    }
  }
  return events.toSorted((a, b) => a.at - b.at)
}
