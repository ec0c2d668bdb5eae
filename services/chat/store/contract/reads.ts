import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import type { OpenStore } from '../store.contract.ts'
import { amendment, appended, membership, newGroup, newId, people, say, title, wholeLog } from './world.ts'

/** Ranges: closed, ascending, limited. */
export function readsContract(name: string, open: OpenStore): void {
  test(`${name}: a range of messages is closed, ascending and no larger than a page`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const sent = await say(store, room, ann, ...Array.from({ length: 250 }, (_, n) => `${n + 1}`))
    assert.deepEqual(await store.log.readMessages(room.id, 3, 5), sent.slice(2, 5))
    assert.deepEqual(await store.log.readMessages(room.id, 250, 250), sent.slice(249))
    assert.deepEqual(await store.log.readMessages(room.id, 249, 400), sent.slice(248))
    assert.deepEqual(await store.log.readMessages(room.id, 251, 260), [])
    assert.deepEqual(await store.log.readMessages(room.id, 9, 8), [])
    assert.deepEqual(await store.log.readMessages(room.id, -5, 1), sent.slice(0, 1))
    assert.deepEqual(await store.log.readMessages(newId(), 1, 10), [])
    assert.deepEqual(await store.log.readMessages(room.id, 1, 250), sent.slice(0, LIMITS.pageMax))
    assert.equal((await store.log.readEntries(room.id, 1, 251)).length, LIMITS.pageMax)
  })

  test(`${name}: each read of the database is counted, and what is known already is none`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    await store.log.cachedConversation(room.id)
    const before = store.reads
    await store.log.cachedConversation(room.id)
    assert.equal(store.reads, before)
    await store.log.readMessages(room.id, 1, 1)
    await store.inbox.heads([ann])
    await store.people.find([ann])
    // A page is more than one where it has to be seen first that nothing is left to be carried out.
    assert.ok(store.reads >= before + 3)
  })

  test(`${name}: a range of entries has the messages and the changes between them, in their order`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann])
    const log = [...(await wholeLog(store, room.id))]
    const now = () => ({ id: room.id, membersRev: log.at(-1)!.membersRev })
    log.push(...(await say(store, now(), ann, 'one', 'two')))
    log.push(appended(await store.log.append(title(now(), ann, 'A'))))
    log.push(appended(await store.log.append(membership('members.added', now(), ann, [bob]))))
    log.push(...(await say(store, now(), bob, 'three', 'four', 'five')))
    log.push(appended(await store.log.append(membership('members.removed', now(), ann, [bob]))))
    log.push(...(await say(store, now(), ann, 'six')))
    for (let from = 1; from <= log.length + 1; from++) {
      for (let to = from - 1; to <= log.length + 2; to++) {
        assert.deepEqual(await store.log.readEntries(room.id, from, to), log.slice(from - 1, to), `${from} to ${to}`)
      }
    }
    assert.deepEqual(await store.log.readEntries(room.id, -3, 2), log.slice(0, 2))
    for (const entry of log) {
      assert.deepEqual((await store.log.findEntry(room.id, entry.id))?.entry, entry)
      if (entry.kind === 'message')
        assert.deepEqual(await store.log.readMessages(room.id, entry.seq, entry.seq), [entry])
    }
  })

  test(`${name}: what others wrote is counted exactly, up to a limit`, async (t) => {
    const { store } = await open(t)
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob, cem])
    for (const sender of [ann, ann, bob, ann, cem, bob]) await say(store, room, sender, 'text')
    appended(await store.log.append(title(room, bob, 'Not a message')))
    const count = async (userId: string, after: number, to: number, max = 1_000) =>
      (await store.log.countOthers(room.id, userId, after, to, max)).count
    assert.equal(await count(ann, 0, 6), 3)
    assert.equal(await count(bob, 0, 6), 4)
    assert.equal(await count(newId(), 0, 6), 6)
    assert.equal(await count(ann, 3, 6), 2)
    assert.equal(await count(ann, 0, 5), 2)
    assert.equal(await count(ann, 6, 6), 0)
    assert.equal(await count(ann, 0, 6, 2), 2)
    assert.deepEqual(await store.log.countOthers(newId(), ann, 0, 10, 10), { count: 0 })
    for (const seq of [1, 2, 5]) appended(await store.log.append(amendment(room, ann, seq, 'deleted')))
    appended(await store.log.append(amendment(room, ann, 3, { text: 'edited' })))
    assert.equal(await count(ann, 0, 6), 2, 'what was deleted does not count')
    assert.equal(await count(bob, 0, 6), 1)
    assert.equal(await count(newId(), 0, 6, 2), 2, 'and does not stand in the way of others')
    assert.equal(await count(newId(), 0, 6), 3)
    assert.equal(await count(bob, 4, 5), 0)
  })
}
