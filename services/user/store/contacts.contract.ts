import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Fault } from '@parley/kit/fault'
import type { ContactItem } from '@parley/protocol/contact'
import fc from 'fast-check'
import { USER_LIMITS } from '../config.ts'
import { openContacts } from '../contacts.ts'
import { type Model, type Move, move, play, START, seen, seenInModel } from '../friendship.model.ts'
import type { Side } from '../friendship.ts'
import { openThrottle } from '../throttle.ts'
import { type ContactStore, EVERYBODY, type Pair, pairKey, usersOf } from './contacts.ts'
import { account } from './store.contract.ts'
import type { UserStore } from './store.ts'

/** What every store promises of contacts. `open` as for `userStoreContract`; `runs` is how often the random interleavings are played. */
export function contactStoreContract(
  name: string,
  runs: number,
  open: (t: TestContext) => Promise<() => Promise<UserStore>>,
): void {
  const several = async (t: TestContext, count: number): Promise<ContactStore[]> => {
    const stores: UserStore[] = []
    t.after(() => Promise.all(stores.map((store) => store[Symbol.asyncDispose]())))
    const another = await open(t)
    for (let i = 0; i < count; i++) stores.push(await another())
    return stores.map((store) => store.contacts)
  }

  test(`${name}: a pair is written once for each rev, whoever writes`, async (t) => {
    const [here, there] = (await several(t, 2)) as [ContactStore, ContactStore]
    const key = pairKey(randomUUID(), randomUUID())
    assert.deepEqual(await here.find([key]), [])
    const first = await Promise.all(Array.from({ length: 8 }, (_, i) => [here, there][i % 2]!.save(pair(key, 1))))
    assert.equal(first.filter(Boolean).length, 1)
    assert.equal(await here.save(pair(key, 3)), false)
    const second = await Promise.all(Array.from({ length: 8 }, (_, i) => [here, there][i % 2]!.save(pair(key, 2))))
    assert.equal(second.filter(Boolean).length, 1)
    assert.deepEqual(await there.find([key, pairKey(randomUUID(), randomUUID())]), [pair(key, 2)])
    assert.equal(await here.save({ ...pair(key, 2), low: wanting }), false)
  })

  test(`${name}: a pair is in the lists that it says, and in no other, in an order that pages go by`, async (t) => {
    const [store] = (await several(t, 1)) as [ContactStore]
    const ann = randomUUID()
    const others = Array.from({ length: 7 }, () => randomUUID()).sort()
    for (const other of others) await store.save(standing(ann, other, 1, 'friends'))
    const keys = others.map((other) => pairKey(ann, other))
    const all = await store.list(ann, 'friends', undefined, 100)
    assert.deepEqual(
      all.map(({ key }) => key),
      keys,
    )
    assert.deepEqual(
      (await store.list(ann, 'friends', keys[1], 3)).map(({ key }) => key),
      keys.slice(2, 5),
    )
    assert.equal(await store.count(ann, 'friends', 5), 5)
    assert.equal(await store.count(ann, 'friends', 50), 7)
    await store.save(standing(ann, others[0]!, 2, 'asked'))
    await store.save(standing(ann, others[1]!, 2, 'blocked'))
    const lists = async (userId: string) =>
      Promise.all(
        (['friends', 'incoming', 'outgoing', 'blocked'] as const).map((list) => store.count(userId, list, 100)),
      )
    assert.deepEqual(await lists(ann), [5, 0, 1, 1])
    const ofAll = await store.list(EVERYBODY, 'blocked', undefined, 10)
    assert.deepEqual(
      ofAll.map(({ key }) => key),
      [pairKey(ann, others[1]!)],
    )
    assert.deepEqual(await lists(others[0]!), [0, 1, 0, 0])
    assert.deepEqual(await lists(others[1]!), [0, 0, 0, 0])
    assert.deepEqual(await lists(others[2]!), [1, 0, 0, 0])
    assert.deepEqual(await lists(randomUUID()), [0, 0, 0, 0])
  })

  test(`${name}: a pair waits to be told until its latest is`, async (t) => {
    const [store] = (await several(t, 1)) as [ContactStore]
    const [one, two] = [pairKey(randomUUID(), randomUUID()), pairKey(randomUUID(), randomUUID())]
    const waiting = async (): Promise<string[]> =>
      (await store.untold(10)).map(({ key, rev, toldRev }) => `${key} ${toldRev}<${rev}`).sort()
    await store.save(pair(one, 1))
    await store.save(pair(two, 1))
    assert.deepEqual(await waiting(), [`${one} 0<1`, `${two} 0<1`].sort())
    await store.save(pair(one, 2))
    await store.told([
      { key: one, rev: 1 },
      { key: two, rev: 1 },
    ])
    assert.deepEqual(await waiting(), [`${one} 1<2`], 'what came meanwhile is still to be told')
    await store.told([{ key: one, rev: 2 }])
    await store.told([{ key: one, rev: 1 }])
    assert.deepEqual(await waiting(), [])
    assert.deepEqual(
      (await store.find([one])).map(({ toldRev }) => toldRev),
      [2],
      'never lowered',
    )
    await store.save(pair(one, 3))
    assert.deepEqual(await waiting(), [`${one} 2<3`])
  })

  test(`${name}: what two people do at once from several processes is as if one had done it after the other`, async (t) => {
    const stores = await several(t, 2)
    const batches = fc.array(fc.array(move, { minLength: 1, maxLength: 3 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(batches, async (rounds) => {
        const users = usersOf(pairKey(randomUUID(), randomUUID()))
        const nodes = stores.map((contacts) => rules(contacts, Object.values(users)))
        let model = START
        for (const moves of rounds) {
          const outcomes = await Promise.all(
            moves.map(async ({ side, what }, i) => {
              const [me, other] = side === 'low' ? [users.low, users.high] : [users.high, users.low]
              return outcomeOf(nodes[i % nodes.length]!.act(me, other, what))
            }),
          )
          const sees = await Promise.all([
            outcomeOf(nodes[0]!.get(users.low, users.high)),
            outcomeOf(nodes[0]!.get(users.high, users.low)),
          ])
          const after = orders(moves.length)
            .map((order) => inOrder(model, moves, outcomes, order))
            .find((model) => model && shown(model, 'low') === sees[0] && shown(model, 'high') === sees[1])
          assert.ok(after, `no order of ${JSON.stringify(moves)} from ${model.tie} gives ${outcomes}, then ${sees}`)
          model = after
        }
      }),
      { numRuns: runs },
    )
  })
}

/** The model after these moves in this order, if it answers each as it was answered. */
function inOrder(model: Model, moves: Move[], outcomes: string[], order: number[]): Model | undefined {
  let now = model
  for (const i of order) {
    const next = play(now, moves[i]!)
    const answer =
      typeof next === 'string'
        ? next === 'blocked'
          ? 'action.forbidden'
          : 'not_found'
        : seenInModel(next, moves[i]!.side)
    if (answer !== outcomes[i]) return undefined
    if (typeof next !== 'string') now = next
  }
  return now
}

/** What one of them sees of the other when asking. */
const shown = (model: Model, side: Side): string =>
  model.blocks.size > 0 && !model.blocks.has(side) ? 'not_found' : seenInModel(model, side)

const outcomeOf = (done: Promise<ContactItem>): Promise<string> =>
  done.then(
    ({ status, blocked }) => seen(status, blocked),
    (error) => {
      if (error instanceof Fault) return error.code
      throw error
    },
  )

function orders(count: number): number[][] {
  if (count === 0) return [[]]
  return orders(count - 1).flatMap((rest) =>
    Array.from({ length: count }, (_, at) => [...rest.slice(0, at), count - 1, ...rest.slice(at)]),
  )
}

/** The rule as one process has it. */
function rules(contacts: ContactStore, userIds: string[]) {
  return openContacts({
    contacts,
    accounts: { find: async (ids) => userIds.filter((id) => ids.includes(id)).map((id) => ({ ...account(id), id })) },
    publicUsers: async (accounts) => accounts.map(({ id, username }) => ({ id, username })),
    throttle: openThrottle({ ...USER_LIMITS, contactChangesPerUser: 10_000, lookUpsPerUser: 10_000 }),
    limits: USER_LIMITS,
    tell: async () => {},
    changed: () => {},
  })
}

const side = { wants: false, blocks: false, seen: 1, changedIn: 1, changedAt: '2026-01-01T00:00:00.000Z' }
const wanting = { ...side, wants: true }
const pair = (key: string, rev: number): Pair => ({ key, rev, low: side, high: side, toldRev: 0 })

function standing(me: string, other: string, rev: number, how: 'friends' | 'asked' | 'blocked'): Pair {
  const key = pairKey(me, other)
  const mine = how === 'blocked' ? { ...side, blocks: true } : wanting
  const theirs = how === 'friends' ? wanting : side
  return { ...pair(key, rev), ...(usersOf(key).low === me ? { low: mine, high: theirs } : { low: theirs, high: mine }) }
}
