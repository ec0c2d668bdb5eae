import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore, InboxRow } from '../store.ts'
import { appended, membership, message, newGroup, newId, people, persist, say, title } from './world.ts'

/** The list of conversations: a device that has synced up to a stamp and sees no row above it has missed nothing. */
export function inboxContract(name: string, open: OpenStore): void {
  test(`${name}: every conversation one is in has a row, each with a stamp of its own, in pages`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const rooms: string[] = []
    for (let n = 0; n < 12; n++) rooms.push((await newGroup(store, n % 2 ? [ann] : [bob, ann])).id)
    const rows = await allRows(store, ann, 0, 5)
    assert.deepEqual(rows.map((row) => row.conversationId).toSorted(), rooms.toSorted())
    assert.equal(new Set(rows.map((row) => row.stamp)).size, 12)
    assert.ok(rows.every((row) => !row.gone && row.stamp > 0))
    assert.deepEqual((await store.inbox.conversationIds(ann, 100)).toSorted(), rooms.toSorted())
    assert.equal((await store.inbox.conversationIds(ann, 5)).length, 5)
    assert.equal((await allRows(store, bob)).length, 6)
    assert.deepEqual(await store.inbox.page(newId(), 0, 10), { rows: [], head: 0 })
  })

  test(`${name}: a busy conversation costs one write per sync and not one per message`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    await relayAll(store)
    const [first] = await allRows(store, bob)
    await say(store, room, ann, 'one')
    await relayAll(store)
    const [second] = await allRows(store, bob, first!.stamp)
    assert.ok(second && second.stamp > first!.stamp, 'raised, for a device had seen it')
    await say(store, room, ann, 'two')
    await relayAll(store)
    const raised = (await store.inbox.heads([bob]))[0]!
    assert.ok(raised > second.stamp)
    for (let n = 0; n < 5; n++) {
      await say(store, room, ann, 'more')
      await relayAll(store)
      await store.marks.raise({ conversationId: room.id, userId: ann, readSeq: n })
    }
    assert.deepEqual(await store.inbox.heads([bob, newId(), bob]), [raised, 0, raised], 'nobody had synced past it')
    const { rows, head } = await store.inbox.page(bob, second.stamp, 10)
    assert.deepEqual(rows, [{ conversationId: room.id, stamp: raised, gone: false }])
    assert.equal(head, raised)
  })

  test(`${name}: while the bus is away inboxes are raised, and the entries stay pending`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    await relayAll(store)
    const [before] = await allRows(store, bob)
    await say(store, room, ann, 'one')
    await store.log.raise(await store.log.pending(10))
    const [after] = await allRows(store, bob, before!.stamp)
    assert.equal(after?.conversationId, room.id)
    assert.equal((await store.log.pending(10)).length, 1)
    await store.log.raise([])
  })

  test(`${name}: a mark raises the row of everyone who sees it`, async (t) => {
    const { store } = await open(t)
    const crowd = people(4)
    const room = await newGroup(store, crowd)
    await say(store, room, crowd[0]!, 'one', 'two')
    await relayAll(store)
    const cursors = await Promise.all(crowd.map(async (who) => (await allRows(store, who)).at(-1)!.stamp))
    await store.marks.raise({ conversationId: room.id, userId: crowd[1]!, readSeq: 2 })
    for (const [n, who] of crowd.entries()) {
      assert.equal((await store.inbox.page(who, cursors[n]!, 10)).rows[0]?.conversationId, room.id)
    }
  })

  test(`${name}: a mark in a large group raises the row of its own user only`, async (t) => {
    const { store } = await open(t)
    const crowd = people(LIMITS.marksMembers + 1)
    const room = await newGroup(store, crowd)
    await say(store, room, crowd[0]!, 'one')
    await relayAll(store)
    const cursors = await Promise.all(crowd.map(async (who) => (await allRows(store, who)).at(-1)!.stamp))
    await store.marks.raise({ conversationId: room.id, userId: crowd[1]!, readSeq: 1 })
    for (const [n, who] of crowd.entries()) {
      assert.equal((await store.inbox.page(who, cursors[n]!, 10)).rows.length, n === 1 ? 1 : 0)
    }
  })

  test(`${name}: a conversation that one left stays as gone, and comes back upon return`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const [first] = await allRows(store, bob)
    const removal = appended(await store.log.append(membership('members.removed', room, ann, [bob])))
    const [gone] = await allRows(store, bob, first!.stamp)
    assert.deepEqual({ ...gone, stamp: 0 }, { conversationId: room.id, stamp: 0, gone: true })
    assert.deepEqual(await store.inbox.conversationIds(bob, 10), [])
    const now = { id: room.id, membersRev: removal.rev }
    await say(store, now, ann, 'without bob')
    await relayAll(store)
    assert.deepEqual(await allRows(store, bob, gone!.stamp), [], 'nothing of it any more')
    appended(await store.log.append(membership('members.added', now, ann, [bob])))
    const [back] = await allRows(store, bob, gone!.stamp)
    assert.equal(back?.gone, false)
    assert.deepEqual(await (await opened.reopen()).inbox.conversationIds(bob, 10), [room.id])
  })

  test(`${name}: a device that pages with its cursor misses nothing`, { timeout: 120_000 }, async (t) => {
    const opened = await open(t)
    const stores = [opened.store, (await opened.another?.()) ?? opened.store]
    const crowd = people(4)
    const rooms = await Promise.all([crowd, crowd.slice(0, 2), crowd.slice(1)].map((m) => newGroup(opened.store, m)))
    const devices = crowd.flatMap((userId) => [
      new Device(stores[0]!, userId, 2),
      new Device(stores[1]!, userId, 3),
      new Device(stores[0]!, userId, 100),
    ])
    const work = new AbortController()
    const background = [
      ...devices.map((device) => device.syncUntil(work.signal)),
      ...stores.map((store) => relayUntil(store, work.signal)),
    ]
    await Promise.all(
      crowd.map(async (userId, n) => {
        const store = stores[n % 2]!
        for (let turn = 0; turn < 25; turn++) await actOnce(store, rooms[(turn + n) % 3]!.id, crowd, userId, turn)
      }),
    )
    work.abort()
    await Promise.all(background)
    for (const store of new Set(stores)) await relayAll(store)
    for (const device of devices) {
      await device.sync()
      await device.assertKnowsAll(rooms.map((room) => room.id))
    }
  })
}

/** What a device holds: for each conversation its head, its title and its marks as it last fetched them, and a cursor. */
class Device {
  readonly #store: ChatStore
  readonly #userId: string
  readonly #limit: number
  readonly #known = new Map<string, string>()
  #cursor = 0

  constructor(store: ChatStore, userId: string, limit: number) {
    this.#store = store
    this.#userId = userId
    this.#limit = limit
  }

  async syncUntil(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await this.sync()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async sync(): Promise<void> {
    for (;;) {
      const { rows, head } = await this.#store.inbox.page(this.#userId, this.#cursor, this.#limit)
      for (const row of rows) {
        assert.ok(row.stamp > this.#cursor && row.stamp <= head, 'ascending, up to the head')
        this.#cursor = row.stamp
        if (row.gone) this.#known.delete(row.conversationId)
        else this.#known.set(row.conversationId, await look(this.#store, row.conversationId))
      }
      if (rows.length < this.#limit) return
    }
  }

  async assertKnowsAll(roomIds: readonly string[]): Promise<void> {
    for (const id of roomIds) {
      const member = (await this.#store.log.findConversation(id))?.members.has(this.#userId)
      assert.equal(this.#known.get(id), member ? await look(this.#store, id) : undefined)
    }
    assert.deepEqual(await this.#store.inbox.heads([this.#userId]), [this.#cursor])
  }
}

async function look(store: ChatStore, conversationId: string): Promise<string> {
  const [now, marks] = [await store.log.findConversation(conversationId), await store.marks.read(conversationId)]
  const sorted = marks.toSorted((a, b) => a.userId.localeCompare(b.userId))
  return JSON.stringify([now?.rev, now?.title, [...(now?.members.keys() ?? [])], sorted])
}

/** One step of a busy life: a message, a mark, a title, somebody going or coming. */
async function actOnce(store: ChatStore, roomId: string, crowd: string[], userId: string, turn: number): Promise<void> {
  const now = await store.log.findConversation(roomId)
  assert.ok(now)
  if (turn % 5 === 3) await store.marks.raise({ conversationId: roomId, userId, readSeq: now.headSeq })
  else if (turn % 7 === 4) await persist(store, title(now, userId, `title ${turn}`))
  else if (turn % 6 === 5) {
    const who = crowd[turn % crowd.length]!
    await persist(store, membership(now.members.has(who) ? 'members.removed' : 'members.added', now, userId, [who]))
  } else await persist(store, message(now, userId, `message ${turn}`))
}

/** All rows above a stamp, page by page; a device that does this has synced. */
async function allRows(store: ChatStore, userId: string, after = 0, limit = 100): Promise<InboxRow[]> {
  const all: InboxRow[] = []
  for (;;) {
    const { rows } = await store.inbox.page(userId, all.at(-1)?.stamp ?? after, limit)
    all.push(...rows)
    if (rows.length < limit) return all
  }
}

async function relayAll(store: ChatStore): Promise<void> {
  for (;;) {
    const entries = await store.log.pending(100)
    if (entries.length === 0) return
    await store.log.relayed(entries)
  }
}

async function relayUntil(store: ChatStore, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await store.log.relayed((await store.log.pending(100)).filter((_, n) => n % 3 !== 2))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
