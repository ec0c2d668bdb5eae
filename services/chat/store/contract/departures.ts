import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNSET } from '@parley/protocol/settings'
import type { OpenStore } from '../store.contract.ts'
import { appended, membership, newGroup, people, say } from './world.ts'

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

  test(`${name}: what who has gone kept for themselves is forgotten, in groups that were left too, and others’ stays`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const rooms = [await newGroup(store, [bob, ann]), await newGroup(store, [bob, ann]), await newGroup(store, [ann])]
    for (const room of rooms) await say(store, room, room === rooms[2] ? ann : bob, 'one', 'two')
    const stay = (userId: string, n: number) => ({ conversationId: rooms[n]!.id, userId, fromRev: 1 })
    for (const [userId, n] of [
      [ann, 0],
      [ann, 1],
      [ann, 2],
      [bob, 0],
    ] as const) {
      await store.settings.change(stay(userId, n), { draft: 'a secret begun', pinned: 1 }, 2)
      await store.own.change(stay(userId, n), { seqs: [1, 2], starred: true })
      await store.own.change(stay(userId, n), { seqs: [2], hidden: true })
    }
    appended(await store.log.append(membership('members.removed', rooms[1]!, ann, [ann])))
    await store.departures.begin({ userId: ann, messages: 'keep', at: AT })
    const counts: number[] = []
    do counts.push(await store.departures.forget(ann, 4))
    while (counts.at(-1) === 4)
    assert.ok(counts.length >= 3, 'a few at a time')
    for (const open of [() => store, opened.reopen]) {
      const handle = await open()
      assert.equal(await handle.departures.forget(ann, 4), 0)
      assert.deepEqual(
        await handle.settings.read(
          ann,
          rooms.map(({ id }) => ({ conversationId: id, fromRev: 1 })),
        ),
        [UNSET, UNSET, UNSET],
      )
      assert.deepEqual(await handle.settings.pinned(ann, 10), [])
      assert.equal(await handle.own.countStarred(ann, 10), 0)
      for (const { id } of rooms) assert.deepEqual(await handle.own.among(ann, id, 1, 2), [])
      assert.deepEqual(
        await handle.own.revs(
          ann,
          rooms.map(({ id }) => id),
        ),
        [0, 0, 0],
      )
      assert.equal((await handle.settings.read(bob, [stay(bob, 0)]))[0]?.draft, 'a secret begun')
      assert.deepEqual(
        (await handle.own.among(bob, rooms[0]!.id, 1, 2)).map(({ starred, hidden }) => [starred, hidden]),
        [
          [true, false],
          [false, true],
        ],
      )
    }
  })
}
