import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Alert, type AlertChange, type AlertState, goneFrom, isAbout, merged, without } from './alerts.ts'
import type { Several } from './store.contract.ts'

/** Something that becomes of the one alert of reactions to message 4; `rev`s of a later batch are higher. */
type Act =
  | { kind: 'put'; rev: number; actors: string[] }
  | { kind: 'remove'; actor: string }
  | { kind: 'delete' }
  | { kind: 'read' }

const PEOPLE = ['bob', 'cleo', 'dan']

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      rev: fc.integer({ min: 1, max: 3 }),
      actors: fc.subarray(PEOPLE),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), actor: fc.constantFrom(...PEOPLE) }) },
  fc.constant({ kind: 'delete' as const }),
  fc.constant({ kind: 'read' as const }),
)

/** The part of the contract that is about what comes at the same moment, from several processes. `runs` is how many random histories it goes through. */
export function alertsModel(name: string, several: Several, runs: number): void {
  test(`${name}: what becomes of an alert at the same moment is as if it came one after the other, and devices that are told come to it`, async (t) => {
    const stores = (await several(t, 2)).map(({ alerts }) => alerts)
    const batches = fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(batches, async (rounds) => {
        const [userId, id] = [randomUUID(), randomUUID()]
        const alertOf = (round: number, { rev, actors }: { rev: number; actors: string[] }): Alert => {
          const common = { id, userId, kind: 'reaction' as const, at: round, rev: 10 * round + rev, read: false }
          const alert = { ...common, actors, actorCount: actors.length, conversationId: 'tea', seq: 4 }
          return actors.length > 0 ? alert : goneFrom(alert)
        }
        const device = new Map<string, Alert>()
        // More than one where it cannot be seen which it is: what is gone is kept, or is not there.
        let models: Model[] = [{ alert: undefined, rev: 0 }]
        for (const [i, acts] of rounds.entries()) {
          const done = await Promise.all(
            acts.map(async (one, n): Promise<Told> => {
              const store = stores[n % stores.length]!
              switch (one.kind) {
                case 'put':
                  return (await store.put([alertOf(i + 1, one)]))[0]!
                case 'remove':
                  return store.remove(userId, { actorId: one.actor, upTo: { rev: 1_000 } })
                case 'delete':
                  return store.remove(userId, { conversationId: 'tea', seq: 4 })
                case 'read':
                  return { ...(await store.read(userId, { ids: [id] })), read: true }
                default:
                  return one satisfies never
              }
            }),
          )
          const [shown] = await stores[0]!.list(userId, undefined, 10)
          const state = await stores[1]!.state(userId)
          for (const told of done.toSorted((a, b) => a.rev - b.rev)) hear(device, told)
          const what = `${JSON.stringify(acts)} from ${JSON.stringify(models)}: ${JSON.stringify({ done, shown, state })}`
          const after = orders(acts.length).flatMap((order) =>
            models.flatMap((model) => {
              const now = order.reduce((now, n) => play(now, acts[n]!, (put) => alertOf(i + 1, put)), model)
              return isAs(now, model, shown, state) ? [{ ...now, rev: state.rev }] : []
            }),
          )
          assert.ok(after.length > 0, `no order gives it: ${what}`)
          for (const { rev, unread } of done)
            if (rev === state.rev) assert.equal(unread, state.unread, `the highest has the number: ${what}`)
          assert.deepEqual([...device.values()], shown ? [shown] : [], `as a device has it: ${what}`)
          models = [...new Map(after.map((model) => [JSON.stringify(model), model])).values()]
        }
      }),
      { numRuns: runs },
    )
  })
}

type Told = AlertState & Partial<Pick<AlertChange, 'items'>> & { gone?: string[]; read?: true }

/** As a device takes what it is told. */
function hear(device: Map<string, Alert>, { items = [], gone = [], read }: Told): void {
  for (const item of items)
    if (item.gone) device.delete(item.id)
    else device.set(item.id, item)
  for (const id of gone) device.delete(id)
  if (read) for (const [id, item] of device) device.set(id, { ...item, read: true })
}

interface Model {
  alert: Alert | undefined
  rev: number
}

function play(now: Model, one: Act, alertOf: (put: Extract<Act, { kind: 'put' }>) => Alert): Model {
  const { alert, rev } = now
  const next = (changed: Alert | undefined): Model => ({ alert: changed, rev: rev + 1 })
  switch (one.kind) {
    case 'put': {
      const put = merged(alert, alertOf(one))
      return put ? next(put) : now
    }
    case 'remove':
      if (!alert || !isAbout(alert, { actorId: one.actor, upTo: { rev: 1_000 } })) return now
      return next(without(alert, one.actor) ?? goneFrom(alert))
    case 'delete':
      return alert ? next(undefined) : now
    case 'read':
      return alert && !alert.read ? next({ ...alert, read: true }) : now
    default:
      return one satisfies never
  }
}

/** A change may be counted more than once where others came in between. */
const isAs = ({ alert, rev }: Model, before: Model, shown: Alert | undefined, state: AlertState): boolean =>
  (rev === before.rev ? state.rev === rev : state.rev > before.rev) &&
  same(alert, shown) &&
  unreadOf(alert) === state.unread

const same = (alert: Alert | undefined, shown: Alert | undefined): boolean =>
  JSON.stringify(alert?.gone ? undefined : sorted(alert)) === JSON.stringify(sorted(shown))

const sorted = (alert: Alert | undefined) =>
  alert && Object.fromEntries(Object.entries(alert).toSorted(([one], [other]) => one.localeCompare(other)))

const unreadOf = (alert: Alert | undefined): number => (alert && !alert.read ? 1 : 0)

function orders(count: number): number[][] {
  if (count === 0) return [[]]
  return orders(count - 1).flatMap((rest) =>
    Array.from({ length: count }, (_, at) => [...rest.slice(0, at), count - 1, ...rest.slice(at)]),
  )
}
