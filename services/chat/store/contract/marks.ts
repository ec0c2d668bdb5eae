import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenStore } from '../store.contract.ts'
import { newGroup, newId, people, say } from './world.ts'

/** P5: two marks per member that only ever rise. */
export function marksContract(name: string, open: OpenStore): void {
  test(`${name}: marks rise, never fall, never pass the head, and what is read is delivered`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    await say(store, room, ann, 'one', 'two', 'three', 'four', 'five')
    const raise = (marks: { deliveredSeq?: number; readSeq?: number }) =>
      store.marks.raise({ conversationId: room.id, userId: bob, ...marks })
    const at = (deliveredSeq: number, readSeq: number, changed: boolean) => ({
      userId: bob,
      deliveredSeq,
      readSeq,
      changed,
    })
    assert.deepEqual(await raise({ deliveredSeq: 2 }), at(2, 0, true))
    assert.deepEqual(await raise({ deliveredSeq: 1 }), at(2, 0, false))
    assert.deepEqual(await raise({ readSeq: 3 }), at(3, 3, true))
    assert.deepEqual(await raise({ deliveredSeq: 3, readSeq: 2 }), at(3, 3, false))
    assert.deepEqual(await raise({ readSeq: 1_000, deliveredSeq: 4 }), at(5, 5, true))
    assert.deepEqual(await raise({ deliveredSeq: 1_000 }), at(5, 5, false))
    assert.deepEqual(await store.marks.read(room.id), [{ userId: bob, deliveredSeq: 5, readSeq: 5 }])
    const again = await opened.reopen()
    assert.deepEqual(await again.marks.read(room.id), [{ userId: bob, deliveredSeq: 5, readSeq: 5 }])
    const late = await again.marks.raise({ conversationId: room.id, userId: bob, deliveredSeq: 4 })
    assert.deepEqual(late, at(5, 5, false))
  })

  test(`${name}: marks raised at once from several devices merge to the largest`, async (t) => {
    const opened = await open(t)
    const stores = [opened.store, (await opened.another?.()) ?? opened.store]
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(opened.store, [ann, bob])
    await say(opened.store, room, ann, ...Array.from({ length: 40 }, String))
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        const upTo = ((n * 17) % 40) + 1
        const mark = n % 2 ? { readSeq: Math.ceil(upTo / 2) } : { deliveredSeq: upTo }
        return stores[n % 3 === 0 ? 1 : 0]!.marks.raise({ conversationId: room.id, userId: bob, ...mark })
      }),
    )
    const largest = { userId: bob, deliveredSeq: 39, readSeq: 20 }
    assert.deepEqual(await stores[1]!.marks.read(room.id, [bob]), [largest])
    assert.ok(replies.some((reply) => reply.changed))
    for (const { deliveredSeq, readSeq } of replies) assert.ok(readSeq <= deliveredSeq && deliveredSeq <= 39)
  })

  test(`${name}: a mark raised with the message it is for is kept, also while many are sent`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    for (let burst = 0; burst < 10; burst++) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const [entry] = await say(store, room, ann, 'read me')
          const mark = await store.marks.raise({ conversationId: room.id, userId: bob, readSeq: entry!.seq })
          assert.ok(mark.readSeq >= entry!.seq)
        }),
      )
    }
    assert.deepEqual(await store.marks.read(room.id), [{ userId: bob, deliveredSeq: 100, readSeq: 100 }])
  })

  test(`${name}: marks are read for those asked for, and who has none is left out`, async (t) => {
    const { store } = await open(t)
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob, cem])
    await say(store, room, ann, 'one')
    await store.marks.raise({ conversationId: room.id, userId: ann, readSeq: 1 })
    await store.marks.raise({ conversationId: room.id, userId: bob, deliveredSeq: 1 })
    const of = async (userIds?: string[]) => (await store.marks.read(room.id, userIds)).map((m) => m.userId).toSorted()
    assert.deepEqual(await of(), [ann, bob].toSorted())
    assert.deepEqual(await of([bob, cem]), [bob])
    assert.deepEqual(await of([]), [])
    assert.deepEqual(await store.marks.read(newId()), [])
  })

  test(`${name}: in a conversation that does not exist there is nothing to mark`, async (t) => {
    const { store } = await open(t)
    const mark = { conversationId: newId(), userId: newId(), readSeq: 3 }
    assert.deepEqual(await store.marks.raise(mark), {
      userId: mark.userId,
      deliveredSeq: 0,
      readSeq: 0,
      changed: false,
    })
  })
}
