import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OwnMark, withOwnChange } from '@parley/protocol/own'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore, Stay } from '../store.ts'
import { appended, membership, newGroup, newId, people, say } from './world.ts'

/** What users make of messages for themselves: counted, merged, on all of a user's devices and nobody else's. */
export function ownContract(name: string, open: OpenStore): void {
  test(`${name}: one's own state of messages is counted change by change, read in pages, and kept`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    await say(store, room, ann, 'one', 'two', 'three', 'four')
    const stay = { conversationId: room.id, userId: bob, fromRev: 1 }
    const page = (from: ChatStore, after: number, limit = 10, fromSeq = 1) =>
      from.own.page(bob, room.id, fromSeq, after, limit)
    assert.deepEqual(await page(store, 0), { items: [], rev: 0, more: false })
    const first = await store.own.change(stay, { seqs: [3, 1, 3], starred: true })
    assert.deepEqual(first, { items: [mark(3, 1, 'starred'), mark(1, 2, 'starred')], rev: 2 })
    assert.deepEqual(await store.own.change(stay, { seqs: [1], starred: true }), { items: [], rev: 2 }, 'a repeat')
    const second = await store.own.change(stay, { seqs: [1, 2], hidden: true })
    assert.deepEqual(second, { items: [mark(1, 3, 'hidden'), mark(2, 4, 'hidden')], rev: 4 }, 'the star goes')
    const third = await store.own.change(stay, { seqs: [2], hidden: false })
    assert.deepEqual(third, { items: [mark(2, 5)], rev: 5 })
    const all = [mark(3, 1, 'starred'), mark(1, 3, 'hidden'), mark(2, 5)]
    const again = await opened.reopen()
    assert.deepEqual(await page(again, 0), { items: all, rev: 5, more: false })
    assert.deepEqual(await page(again, 0, 2), { items: all.slice(0, 2), rev: 3, more: true })
    assert.deepEqual(await page(again, 3, 1), { items: all.slice(2), rev: 5, more: false })
    assert.deepEqual(await page(again, 5), { items: [], rev: 5, more: false })
    assert.deepEqual(await page(again, 0, 10, 3), { items: all.slice(0, 1), rev: 5, more: false })
    assert.deepEqual(await again.own.among(bob, room.id, 2, 3), [mark(2, 5), mark(3, 1, 'starred')])
    assert.deepEqual(await again.own.revs(bob, [newId(), room.id]), [0, 5])
    assert.deepEqual(await again.own.revs(bob, []), [])
    assert.deepEqual(await again.own.page(ann, room.id, 1, 0, 10), { items: [], rev: 0, more: false })
    assert.deepEqual(await again.own.starred(ann, 10), [], 'nobody else has them')
  })

  test(`${name}: what is starred is listed over all conversations, the latest first`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const rooms = [await newGroup(store, [ann]), await newGroup(store, [ann])] as const
    const stays = rooms.map(({ id }) => ({ conversationId: id, userId: ann, fromRev: 1 })) as [Stay, Stay]
    for (const room of rooms) await say(store, room, ann, 'one', 'two', 'three')
    await store.own.change(stays[0], { seqs: [1, 2], starred: true })
    await store.own.change(stays[1], { seqs: [3], starred: true })
    await store.own.change(stays[0], { seqs: [2], starred: true })
    const list = await store.own.starred(ann, 10)
    const places = list.map(({ place }) => place)
    assert.deepEqual(
      places,
      places.toSorted((a, b) => b - a),
    )
    assert.deepEqual(
      new Set(list.map(({ conversationId, seq }) => `${conversationId} ${seq}`)),
      new Set([`${rooms[0].id} 1`, `${rooms[0].id} 2`, `${rooms[1].id} 3`]),
    )
    const [one, two] = list as [(typeof list)[0], (typeof list)[0]]
    assert.deepEqual(await store.own.starred(ann, 1), [one])
    assert.deepEqual(await store.own.starred(ann, 1, one.place), [two])
    assert.deepEqual([await store.own.countStarred(ann, 10), await store.own.countStarred(ann, 2)], [3, 2])
    await store.own.unstar(ann, [one, { conversationId: newId(), seq: 4 }])
    assert.deepEqual(await store.own.starred(ann, 10), list.slice(1))
    await store.own.change(stays[0], { seqs: [1, 2, 3], starred: false, hidden: true })
    assert.equal(await store.own.countStarred(ann, 10), one.conversationId === rooms[1].id ? 0 : 1)
  })

  test(`${name}: one's own state raises one's own inbox row, and ends with the stay`, async (t) => {
    const { store } = await open(t)
    const crowd = people(3) as [string, string, string]
    const room = await newGroup(store, crowd)
    await say(store, room, crowd[0], 'hello')
    await store.log.raise(await store.log.readMessages(room.id, 1, 1))
    const cursors = await Promise.all(crowd.map(async (who) => (await store.inbox.page(who, 0, 10)).rows[0]!.stamp))
    const stay = { conversationId: room.id, userId: crowd[1], fromRev: 1 }
    assert.ok(await store.own.change(stay, { seqs: [1], starred: true }))
    for (const [n, who] of crowd.entries())
      assert.equal((await store.inbox.page(who, cursors[n]!, 10)).rows.length, n === 1 ? 1 : 0)
    const gone = appended(await store.log.append(membership('members.removed', room, crowd[0], [crowd[1]])))
    assert.equal(await store.own.change(stay, { seqs: [1], starred: false }), undefined)
    const there = { id: room.id, membersRev: gone.membersRev }
    const back = appended(await store.log.append(membership('members.added', there, crowd[0], [crowd[1]])))
    assert.equal(await store.own.change(stay, { seqs: [1], starred: false }), undefined, 'an older stay')
    const anew = { ...stay, fromRev: back.rev }
    assert.deepEqual(await store.own.change(anew, { seqs: [2], hidden: true }), {
      items: [mark(2, 2, 'hidden')],
      rev: 2,
    })
    assert.deepEqual(await store.own.page(crowd[1], room.id, 2, 0, 10), {
      items: [mark(2, 2, 'hidden')],
      rev: 2,
      more: false,
    })
    assert.equal(await store.own.change({ ...stay, userId: newId() }, { seqs: [1], hidden: true }), undefined)
    assert.equal(await store.own.change({ ...stay, conversationId: newId() }, { seqs: [1], hidden: true }), undefined)
  })

  test(`${name}: devices that star and hide at once end with the same, each by fetching what changed`, {
    timeout: 120_000,
  }, async (t) => {
    const opened = await open(t)
    const stores = [opened.store, opened.another ? await opened.another() : opened.store] as const
    const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
    const flag = fc.option(fc.boolean(), { nil: undefined })
    const change = fc.record({ seqs, starred: flag, hidden: flag })
    const turn = fc.record({
      changes: fc.tuple(fc.array(change, { maxLength: 3 }), fc.array(change, { maxLength: 3 })),
      /** Which of the devices fetch meanwhile, and how much at a time. */
      fetches: fc.tuple(fc.boolean(), fc.boolean()),
      limit: fc.integer({ min: 1, max: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 4 }), (turns) => playOut(stores, turns)),
      { numRuns: opened.another ? 12 : 40 },
    )
  })
}

interface Turn {
  changes: [Change[], Change[]]
  fetches: [boolean, boolean]
  limit: number
}
type Change = { seqs: number[]; starred?: boolean | undefined; hidden?: boolean | undefined }

/** Two devices of one user, each with the store of its node. */
async function playOut(stores: readonly [ChatStore, ChatStore], turns: readonly Turn[]): Promise<void> {
  const [userId] = people(1) as [string]
  const room = await newGroup(stores[0], [userId])
  await say(stores[0], room, userId, 'one', 'two', 'three', 'four')
  const stay = { conversationId: room.id, userId, fromRev: 1 }
  const devices = stores.map((store) => ({ store, held: new Map<number, OwnMark>(), rev: 0 }))
  const told = new Map<number, OwnMark>()
  const fetch = async (device: (typeof devices)[0], limit: number): Promise<void> => {
    for (let more = true; more; ) {
      const page = await device.store.own.page(userId, room.id, 1, device.rev, limit)
      assert.ok(page.items.length <= limit)
      assert.deepEqual(
        page.items,
        page.items.toSorted((a, b) => a.rev - b.rev),
      )
      for (const one of page.items) {
        assert.ok(one.rev > device.rev && one.rev <= page.rev)
        if (one.rev > (device.held.get(one.seq)?.rev ?? 0)) device.held.set(one.seq, one)
      }
      assert.ok(page.rev >= device.rev)
      device.rev = page.rev
      more = page.more
    }
  }
  for (const { changes, fetches, limit } of turns) {
    const fetching = devices.filter((_, n) => fetches[n]).map((device) => fetch(device, limit))
    await Promise.all(
      changes.map(async (those, n) => {
        for (const one of those) {
          const done = await devices[n]!.store.own.change(stay, one)
          assert.ok(done, 'the stay goes on')
          for (const item of done.items) {
            assert.ok(!told.has(item.rev), 'one `rev` is one change')
            told.set(item.rev, item)
            assert.equal(withOwnChange(item, one), undefined, 'what was asked for is so')
          }
          assert.deepEqual(
            done.items.map(({ rev }) => rev),
            done.items.map((_, k) => done.rev - done.items.length + 1 + k),
          )
        }
      }),
    )
    await Promise.all(fetching)
  }
  const last = new Map<number, OwnMark>()
  for (const rev of [...told.keys()].sort((a, b) => a - b)) last.set(told.get(rev)!.seq, told.get(rev)!)
  assert.equal(told.size, Math.max(0, ...told.keys()), 'no `rev` is left out')
  for (const device of devices) {
    await fetch(device, 2)
    assert.deepEqual(
      [...device.held.values()].sort((a, b) => a.seq - b.seq),
      [...last.values()].sort((a, b) => a.seq - b.seq),
    )
  }
  const among = await stores[1].own.among(userId, room.id, 1, 4)
  assert.deepEqual(
    among,
    [...last.values()].sort((a, b) => a.seq - b.seq),
  )
  const starred = await stores[0].own.starred(userId, 10)
  assert.deepEqual(
    starred.map(({ seq }) => seq).sort(),
    among.filter((one) => one.starred).map(({ seq }) => seq),
  )
}

function mark(seq: number, rev: number, what?: 'starred' | 'hidden'): OwnMark {
  return { seq, rev, starred: what === 'starred', hidden: what === 'hidden' }
}
