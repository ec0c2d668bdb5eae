import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenStore } from '../store.contract.ts'
import { appended, membership, newGroup, people } from './world.ts'

const AT = '2026-01-01T00:00:00.000Z'

/** Who deleted their account. */
export function departuresContract(name: string, open: OpenStore): void {
  test(`${name}: who has gone has no name any more, whatever comes later, and goes once`, async (t) => {
    const opened = await open(t)
    const [ann, bob, cid] = people(3) as [string, string, string]
    await opened.store.people.put({ id: ann, username: 'ann' })
    await opened.store.people.put({ id: bob, username: 'bob' })
    for (const userId of [ann, cid]) await opened.store.departures.begin({ userId, messages: 'erase', at: AT })
    await Promise.all([
      opened.store.departures.begin({ userId: ann, messages: 'keep', at: '2027-01-01T00:00:00.000Z' }),
      opened.store.people.put({ id: ann, username: 'ann' }),
      opened.store.people.put({ id: cid, username: 'cid' }),
    ])
    for (const handle of [() => opened.store, opened.reopen]) {
      const store = await handle()
      const found = await store.people.find([ann, bob, cid])
      assert.deepEqual(
        new Map(found.map(({ id, username }) => [id, username])),
        new Map([
          [ann, ''],
          [bob, 'bob'],
          [cid, ''],
        ]),
      )
      const departures = await store.departures.open(10)
      assert.deepEqual(
        departures.toSorted((a, b) => a.userId.localeCompare(b.userId)),
        [ann, cid].sort().map((userId) => ({ userId, messages: 'erase', at: AT })),
      )
      assert.equal((await store.departures.open(1)).length, 1)
    }
  })

  test(`${name}: a departure goes on after the last conversation that was seen to, and is finished for good`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const rooms: string[] = []
    for (let i = 0; i < 5; i++) rooms.push((await newGroup(store, [bob, ann])).id)
    const [left] = [await newGroup(store, [ann, bob])]
    appended(await store.log.append(membership('members.removed', left, ann, [ann])))
    await newGroup(store, [bob])
    await store.departures.begin({ userId: ann, messages: 'keep', at: AT })
    const all = await store.departures.conversations(ann, undefined, 100)
    assert.deepEqual(new Set(all), new Set([...rooms, left.id]))
    const first = await store.departures.conversations(ann, undefined, 2)
    assert.deepEqual(first, all.slice(0, 2))
    await store.departures.advance(ann, first[1]!)
    const again = await opened.reopen()
    const [departure] = await again.departures.open(10)
    assert.equal(departure?.after, first[1])
    assert.deepEqual(await again.departures.conversations(ann, departure?.after, 100), all.slice(2))
    assert.deepEqual(await again.departures.conversations(ann, all.at(-1), 100), [])
    assert.deepEqual(await again.departures.conversations(people(1)[0]!, undefined, 100), [])
    await again.departures.finish(ann)
    await again.departures.advance(ann, first[1]!)
    await again.departures.begin({ userId: ann, messages: 'erase', at: AT })
    assert.deepEqual(await again.departures.open(10), [])
  })
}
