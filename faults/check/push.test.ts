import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bug } from '../bugs.ts'
import type { Event } from '../history.ts'
import { synthetic } from '../synthetic.ts'
import { pushChecks } from './push.ts'

/** As what each is seen: a bug that only some other check saw would leave this one unproved. */
const SEEN = {
  'a push is marked before it leaves': 'lost-push',
  'a push leaves for one device of two': 'lost-push',
  'a device is left out': 'device-left-out',
  'a device is not found': 'untrue-reason',
  'a copy has another tag': 'push-beside-another',
  'a device is still that of whoever had it': 'foreign-push',
  'own messages are pushed': 'own-push',
  'two nodes push the same': 'doubled-push',
  'what is gone is kept': 'gone-and-tried',
} satisfies Partial<Record<Bug, string>>

for (const [bug, anomaly] of Object.entries(SEEN) as [Bug, string][])
  test(`«${bug}» is seen as ${anomaly}, and as nothing else`, () => {
    const found = [1, 2, 3, 4, 5].flatMap((seed) => pushChecks(synthetic(seed, bug)).map((each) => each.anomaly))
    assert.deepEqual([...new Set(found)], [anomaly])
  })

const final = { ...synthetic(1).final, told: [] }
const [group] = final.conversations
const [first] = group!.messages.filter(({ deleted, senderId }) => !deleted && senderId !== 'ann')
const { seq, id } = first!
const sent: Event = { ...synthetic(1).events.find((event) => event.type === 'send' && event.id === id)!, at: 0 }
const { text } = sent as Extract<Event, { type: 'send' }>
const registered: Event = {
  ...{ at: 0, type: 'registered', userId: 'ann', name: 'phone', address: 'a', startedAt: 0, status: 201 },
}
const pushed = (at: number, more: object = {}): Event => ({
  ...{ at, type: 'pushed', by: 'fcm', address: 'a', conversationId: group!.id, seq, count: 1, text, place: 'here' },
  ...{ answered: true, ...more },
})
const anomalies = (...events: Event[]): string[] =>
  pushChecks({ events: [sent, registered, ...events], final }).map(({ anomaly }) => anomaly)

test('a copy is excused where its answer did not leave, and where the push service stood still, and not where that was killed', () => {
  const copies = (more: object, ...others: Event[]) => anomalies(...others, pushed(10_000, more), pushed(20_000))
  const fault = (what: string): Event[] =>
    (['begin', 'end'] as const).map((phase) => ({ at: 9_000, type: 'fault', what, target: 'fcm', phase }))
  assert.deepEqual(copies({}), ['doubled-push'])
  assert.deepEqual(copies({ answered: false }), [])
  assert.deepEqual(copies({}, ...fault('freeze')), [])
  assert.deepEqual(copies({}, ...fault('kill')), ['doubled-push'])
})

test('two conversations in one place are seen, since one would hide the other', () => {
  const other = pushed(20_000, { conversationId: 'other' })
  assert.deepEqual(anomalies(pushed(10_000), other), ['phantom-push', 'push-in-the-place-of-another'])
})

test('what was handed to another may still get what was on its way, and nothing that comes later', () => {
  const handed: Event = { ...registered, at: 30_000, userId: 'eve', name: 'hers' } as Event
  assert.deepEqual(anomalies({ ...handed, startedAt: 29_000 } as Event, pushed(40_000)), [])
  assert.deepEqual(anomalies({ ...handed, startedAt: 29_000 } as Event, pushed(60_000)), ['foreign-push'])
})

test('who has had a device all the time is not believed to have none', () => {
  const none = (...events: Event[]) => {
    const one = {
      userId: 'ann',
      conversationId: group!.id,
      seq,
      outcome: 'none' as const,
      code: 'no.device',
      pushes: [],
    }
    const events_ = [{ ...sent, at: 50 }, registered, ...events]
    return pushChecks({ events: events_, final: { ...final, told: [one] } }).map(({ anomaly }) => anomaly)
  }
  const next: Event = { ...registered, at: 200, startedAt: 190, name: 'next', address: 'b' } as Event
  assert.deepEqual(none(), ['untrue-reason'])
  assert.deepEqual(none({ at: 100, type: 'gone', address: 'a' }, next), [])
  assert.deepEqual(none({ at: 10, type: 'gone', address: 'a' }, { ...next, at: 40, startedAt: 30 } as Event), [
    'untrue-reason',
  ])
})
