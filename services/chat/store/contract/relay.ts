import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '@parley/protocol/conversation'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore } from '../store.ts'
import { newGroup, people, say, title, until } from './world.ts'

/** The outbox: what is committed is pending until it was relayed, and then never again. */
export function relayContract(name: string, open: OpenStore): void {
  test(`${name}: what is committed is pending at once, in order, until it was relayed`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const sent = await say(store, room, ann, 'one', 'two', 'three')
    const pending = await store.log.pending(100)
    assert.deepEqual(revs(pending), [1, 2, 3, 4])
    assert.deepEqual(pending.slice(1), sent)
    assert.deepEqual(revs(await store.log.pending(2)), [1, 2])
    assert.deepEqual(revs(await store.log.pending(100)), [1, 2, 3, 4], 'asking changes nothing')
    await store.log.relayed(pending.slice(0, 2))
    assert.deepEqual(revs(await store.log.pending(100)), [3, 4])
    await store.log.relayed(pending)
    assert.deepEqual(await store.log.pending(100), [])
    await store.log.append(title(room, ann, 'A change'))
    assert.deepEqual(revs(await store.log.pending(100)), [5])
  })

  test(`${name}: relaying out of order and twice forgets nothing and repeats nothing, over restarts too`, async (t) => {
    const opened = await open(t)
    let { store } = opened
    const [ann] = people(1) as [string]
    const rooms = [await newGroup(store, [ann]), await newGroup(store, [ann])]
    for (const room of rooms) await say(store, room, ann, 'one', 'two', 'three', 'four')
    const all = await store.log.pending(100)
    assert.equal(all.length, 10)
    await store.log.relayed(all.slice(6, 8))
    await store.log.relayed([...all.slice(2, 4), ...all.slice(7, 8)].toReversed())
    await store.log.relayed(all.slice(2, 4))
    const left = [...all.slice(0, 2), ...all.slice(4, 6), ...all.slice(8)]
    assert.deepEqual(keys(await store.log.pending(100)), keys(left))
    store = await opened.reopen()
    assert.deepEqual(keys(await takeOver(store, left.length)), keys(left))
    await store.log.relayed(left.slice(0, 2).map((entry) => structuredClone(entry)))
    assert.deepEqual(keys(await takeOver(store, left.length - 2)), keys(left.slice(2)))
    await store.log.relayed(left)
    await say(store, rooms[0]!, ann, 'five')
    store = await opened.reopen()
    assert.deepEqual(
      (await takeOver(store, 1)).map((entry) => entry.rev),
      [6],
    )
  })

  test(`${name}: relaying in pieces while others send leaves nothing pending`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const crowd = people(3)
    const rooms = await Promise.all(crowd.map(() => newGroup(store, crowd)))
    const relayed: Entry[] = []
    const sent = Promise.all(
      rooms.flatMap((room) => crowd.map((who) => say(store, room, who, ...Array.from({ length: 30 }, String)))),
    )
    const total = rooms.length * (1 + crowd.length * 30)
    await until(async () => {
      const page = await store.log.pending(40)
      const mixed = page.toSorted((a, b) => a.id.localeCompare(b.id))
      await Promise.all([store.log.relayed(mixed.slice(0, 7)), store.log.relayed(mixed.slice(7))])
      relayed.push(...page)
      return relayed.length >= total
    })
    await sent
    assert.deepEqual(await store.log.pending(100), [])
    assert.equal(new Set(keys(relayed)).size, total)
    assert.equal(relayed.length, total, 'nothing was pending twice')
    for (const room of rooms) {
      const order = relayed.filter((entry) => entry.conversationId === room.id)
      assert.deepEqual(
        revs(order),
        order.map((_, n) => n + 1),
        'oldest first',
      )
    }
  })

  test(`${name}: what a process leaves pending another takes over, after watching it for a while`, async (t) => {
    const opened = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(opened.store, [ann])
    await opened.store.log.relayed(await opened.store.log.pending(10))
    await say(opened.store, room, ann, 'whose?')
    if (opened.another) {
      const other = await opened.another()
      assert.deepEqual(await other.log.pending(10), [], 'it is not theirs')
      const began = Date.now()
      assert.deepEqual(await other.log.pending(10, 300), [], 'nor is it yet')
      await until(async () => (await other.log.pending(10, 300)).length === 1)
      assert.ok(Date.now() - began >= 290)
      await other.log.relayed(await other.log.pending(10, 300))
      assert.deepEqual(await other.log.pending(10, 300), [])
      await say(opened.store, room, ann, 'and this?')
    }
    const store = await opened.reopen()
    const [taken] = await takeOver(store, 1)
    await store.log.relayed([taken!])
    assert.deepEqual([...(await store.log.pending(10)), ...(await store.log.pending(10, 1))], [])
  })
}

/** Everything pending, once there is so much of it: as this process's own, or watched for a moment. */
async function takeOver(store: ChatStore, count: number): Promise<Entry[]> {
  return until(async () => {
    const found = [...(await store.log.pending(100)), ...(await store.log.pending(100, 20))]
    assert.ok(found.length <= count, 'nothing else is pending')
    return found.length === count && found
  })
}

const revs = (entries: readonly Entry[]): number[] => entries.map((entry) => entry.rev)

const keys = (entries: readonly Entry[]): string[] =>
  entries.map((entry) => `${entry.conversationId} ${String(entry.rev).padStart(5)}`).toSorted()
