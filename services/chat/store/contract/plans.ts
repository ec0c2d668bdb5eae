import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore } from '../store.ts'
import { message, newGroup, people, persist, title } from './world.ts'

/** Speed that does not fade as data grow: on thousands of rows every read goes by an index. */
export function plansContract(name: string, open: OpenStore): void {
  test(`${name}: every read goes by an index and sorts nothing`, { timeout: 180_000 }, async (t) => {
    const opened = await open(t)
    await fill(opened.store)
    const plans = await opened.explainReads()
    assert.ok(plans.length >= 10, 'the store explains its reads')
    for (const { read, indexed, sorts, plan } of plans) {
      assert.ok(indexed, `${read} goes by no index:\n${plan}`)
      assert.ok(!sorts, `${read} sorts:\n${plan}`)
    }
  })
}

/** More than 4,000 messages in 150 conversations of 60 users, with marks, changes, people and presence. */
async function fill(store: ChatStore): Promise<void> {
  const crowd = people(60)
  const members = (n: number) => [crowd[n % 60]!, crowd[(n * 7 + 1) % 60]!, crowd[(n * 11 + 5) % 60]!]
  const rooms = await Promise.all(Array.from({ length: 150 }, (_, n) => newGroup(store, [...new Set(members(n))])))
  const drafts = rooms.flatMap((room, n) =>
    Array.from({ length: n === 0 ? 1_200 : 20 }, (_, k) => message(room, crowd[n % 60]!, `message ${k}`)),
  )
  for (let at = 0; at < drafts.length; at += 1_000) {
    await Promise.all(drafts.slice(at, at + 1_000).map((draft) => persist(store, draft)))
  }
  await Promise.all([
    ...rooms.map((room, n) => persist(store, title(room, crowd[n % 60]!, `Room ${n}`))),
    ...rooms.map((room, n) =>
      store.marks.raise({ conversationId: room.id, userId: crowd[n % 60]!, readSeq: 10, deliveredSeq: 20 }),
    ),
    ...rooms.map((room, n) => {
      const stay = { conversationId: room.id, userId: crowd[n % 60]!, fromRev: 1 }
      return store.settings.change(stay, n % 3 ? { draft: `draft ${n}` } : { pinned: n + 1 }, 10)
    }),
    ...crowd.map((id, n) => store.people.put({ id, username: `person-${n}` })),
    ...crowd.map((userId, n) => store.presence.connect({ nodeId: `node-${n % 3}`, socketId: `${n}`, userId })),
  ])
  await Promise.all(
    rooms.slice(0, 30).map((room, n) => {
      const stay = { conversationId: room.id, userId: crowd[n % 60]!, fromRev: 1 }
      return store.own.change(stay, { seqs: [1, 2, 3, n + 4], ...(n % 2 ? { starred: true } : { hidden: true }) })
    }),
  )
  await store.log.relayed(await store.log.pending(200))
}
