import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Settings, type SettingsChange, UNSET, withChange } from '@parley/protocol/settings'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore, Stay } from '../store.ts'
import { appended, membership, newGroup, newId, people } from './world.ts'

/** A member's own settings: merged field by field, seen by all of that member's devices and by nobody else. */
export function settingsContract(name: string, open: OpenStore): void {
  test(`${name}: settings are merged field by field, counted, and kept`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const stay = { conversationId: room.id, userId: bob, fromRev: 1 }
    assert.deepEqual(await store.settings.read(bob, [stay]), [UNSET])
    const muted = await store.settings.change(stay, { mutedUntil: '2030-01-02T03:04:05.678Z' }, 0)
    assert.deepEqual(muted, { settings: { ...UNSET, rev: 1, mutedUntil: '2030-01-02T03:04:05.678Z' }, changed: true })
    const more = await store.settings.change(
      stay,
      { archived: true, pinned: 7, level: 'none', draft: 'Hé 三 👋\n' },
      42,
    )
    const all = { rev: 2, mutedUntil: '2030-01-02T03:04:05.678Z', archivedSeq: 42, pinned: 7, level: 'none' as const }
    assert.deepEqual(more, { settings: { ...all, draft: 'Hé 三 👋\n' }, changed: true })
    const back = await store.settings.change(stay, { mutedUntil: null, archived: false, pinned: null, draft: '' }, 50)
    assert.deepEqual(back, { settings: { ...UNSET, rev: 3, level: 'none' }, changed: true })
    const again = await opened.reopen()
    assert.deepEqual(await again.settings.read(bob, [stay]), [{ ...UNSET, rev: 3, level: 'none' }])
    assert.deepEqual(await again.settings.read(ann, [stay]), [UNSET], 'nobody else has them')
  })

  test(`${name}: what is set already is no change, and settings are read in the order asked for`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const rooms = [await newGroup(store, [ann]), await newGroup(store, [ann])] as const
    const stays = rooms.map(({ id }) => ({ conversationId: id, userId: ann, fromRev: 1 })) as [Stay, Stay]
    const change = { draft: 'begun', archived: true }
    assert.equal((await store.settings.change(stays[1], change, 3))?.changed, true)
    const repeated = await store.settings.change(stays[1], change, 3)
    assert.deepEqual(repeated, { settings: { ...UNSET, rev: 1, draft: 'begun', archivedSeq: 3 }, changed: false })
    const nowhere = { conversationId: newId(), fromRev: 1 }
    const read = await store.settings.read(ann, [stays[0], stays[1], nowhere])
    assert.deepEqual(
      read.map(({ draft }) => draft),
      ['', 'begun', ''],
    )
    assert.deepEqual(await store.settings.read(ann, []), [])
  })

  test(`${name}: a change raises the inbox row of its own user, and no other`, async (t) => {
    const { store } = await open(t)
    const crowd = people(3) as [string, string, string]
    const room = await newGroup(store, crowd)
    const cursors = await Promise.all(crowd.map(async (who) => (await store.inbox.page(who, 0, 10)).rows[0]!.stamp))
    const stay = { conversationId: room.id, userId: crowd[1], fromRev: 1 }
    for (const level of ['none', 'mentions'] as const) {
      await store.settings.change(stay, { level }, 0)
      for (const [n, who] of crowd.entries()) {
        const { rows } = await store.inbox.page(who, cursors[n]!, 10)
        assert.deepEqual(
          rows.map((row) => row.conversationId),
          n === 1 ? [room.id] : [],
        )
        cursors[n] = rows.at(-1)?.stamp ?? cursors[n]!
      }
    }
    const before = await store.inbox.heads([crowd[1]])
    await store.settings.change(stay, { draft: 'one' }, 0)
    await store.settings.change(stay, { draft: 'two' }, 0)
    const [head] = await store.inbox.heads([crowd[1]])
    assert.equal(head, before[0]! + 1, 'a row that no device has passed is not raised again')
  })

  test(`${name}: settings go with the membership, and a new one begins with none`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const first = { conversationId: room.id, userId: bob, fromRev: 1 }
    await store.settings.change(first, { pinned: 1, draft: 'secret' }, 0)
    const removal = appended(await store.log.append(membership('members.removed', room, ann, [bob])))
    assert.equal(await store.settings.change(first, { draft: 'late' }, 0), undefined)
    const now = { id: room.id, membersRev: removal.rev }
    const { rev } = appended(await store.log.append(membership('members.added', now, ann, [bob])))
    const second = { ...first, fromRev: rev }
    assert.equal(await store.settings.change(first, { draft: 'later' }, 0), undefined)
    assert.deepEqual(await store.settings.read(bob, [second]), [UNSET])
    const anew = await store.settings.change(second, { level: 'none' }, 0)
    assert.deepEqual(anew, { settings: { ...UNSET, rev: 2, level: 'none' }, changed: true })
    assert.equal(await store.settings.change(first, { draft: 'latest' }, 0), undefined)
    assert.deepEqual(await store.settings.read(bob, [second]), [{ ...UNSET, rev: 2, level: 'none' }])
    assert.deepEqual(await store.settings.pinned(bob, 10), [])
    assert.equal(await store.settings.change({ ...second, userId: newId() }, { draft: 'x' }, 0), undefined)
    assert.equal(await store.settings.change({ ...second, conversationId: newId() }, { draft: 'x' }, 0), undefined)
  })

  test(`${name}: the settings of many members are read at once, each of the present stay`, async (t) => {
    const { store } = await open(t)
    const crowd = people(4) as [string, string, string, string]
    const room = await newGroup(store, crowd)
    const [ann, bob, cem] = crowd
    const stay = (userId: string, fromRev = 1) => ({ conversationId: room.id, userId, fromRev })
    await store.settings.change(stay(bob), { level: 'none' }, 0)
    await store.settings.change(stay(cem), { level: 'mentions' }, 0)
    const removal = appended(await store.log.append(membership('members.removed', room, ann, [cem])))
    const now = { id: room.id, membersRev: removal.rev }
    const { rev } = appended(await store.log.append(membership('members.added', now, ann, [cem])))
    const asked = [cem, bob, ann, newId()].map((userId) => stay(userId, userId === cem ? rev : 1))
    const levels = (await store.settings.ofMembers(room.id, asked)).map(({ level }) => level)
    assert.deepEqual(levels, ['all', 'none', 'all', 'all'])
    assert.deepEqual(await store.settings.ofMembers(newId(), [stay(bob)]), [UNSET])
    assert.deepEqual(await store.settings.ofMembers(room.id, []), [])
  })

  test(`${name}: what one has pinned is found among all that one has set`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const rooms = await Promise.all(Array.from({ length: 5 }, () => newGroup(store, [ann])))
    for (const [n, { id }] of rooms.entries())
      await store.settings.change(
        { conversationId: id, userId: ann, fromRev: 1 },
        n % 2 ? { pinned: n } : { level: 'none' },
        0,
      )
    const pinned = await store.settings.pinned(ann, 10)
    assert.deepEqual(
      pinned.map(({ conversationId }) => conversationId).toSorted(),
      [rooms[1]!.id, rooms[3]!.id].toSorted(),
    )
    assert.ok(pinned.every(({ fromRev }) => fromRev === 1))
    assert.equal((await store.settings.pinned(ann, 1)).length, 1)
    assert.deepEqual(await store.settings.pinned(newId(), 10), [])
  })

  test(`${name}: changes at once, of different fields and of the same, end the same for every device`, {
    timeout: 120_000,
  }, async (t) => {
    const opened = await open(t)
    const stores = [opened.store, (await opened.another?.()) ?? opened.store] as const
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 12 }), (turns) => play(stores, turns)),
      { numRuns: 25 },
    )
  })
}

const change: fc.Arbitrary<SettingsChange> = fc.oneof(
  fc.record({ draft: fc.constantFrom('', 'a', 'ab', 'abc') }),
  fc.record({ level: fc.constantFrom('all', 'mentions', 'none') }),
  fc.record({ pinned: fc.option(fc.integer({ min: 1, max: 3 })) }),
  fc.record({ archived: fc.boolean(), mutedUntil: fc.constantFrom(null, '2030-01-01T00:00:00.000Z') }),
)

/** What the two devices do at once (each any number of changes, one after another), then whether one of them syncs. */
const turn = fc.record({
  devices: fc.tuple(fc.array(change, { maxLength: 3 }), fc.array(change, { maxLength: 3 })),
  syncs: fc.constantFrom(undefined, 0, 1),
})

async function play(stores: readonly [ChatStore, ChatStore], turns: readonly TurnOf<typeof turn>[]): Promise<void> {
  const [userId] = people(1) as [string]
  const room = await newGroup(stores[0], [userId])
  const stay = { conversationId: room.id, userId, fromRev: 1 }
  const told = new Map([[0, UNSET]])
  const devices = stores.map((store) => ({ store, cursor: 0, held: UNSET }))
  const sync = async (device: (typeof devices)[number]): Promise<void> => {
    const { rows } = await device.store.inbox.page(userId, device.cursor, 10)
    device.cursor = rows.at(-1)?.stamp ?? device.cursor
    const [settings] = rows.length > 0 ? await device.store.settings.read(userId, [stay]) : []
    if (settings && settings.rev >= device.held.rev) device.held = settings
  }
  for (const { devices: sets, syncs } of turns) {
    const [before] = await stores[0].settings.read(userId, [stay])
    const alone = sets.some((changes) => changes.length === 0)
    const syncing = syncs === undefined ? undefined : sync(devices[syncs]!)
    await Promise.all(
      sets.map(async (changes, n) => {
        for (const one of changes) {
          const done = await devices[n]!.store.settings.change(stay, one, 5)
          assert.ok(done, 'the stay goes on')
          if (alone) assert.deepEqual(withChange(done.settings, one, 5), done.settings, 'what was set is so')
          const same = told.get(done.settings.rev)
          if (same) assert.deepEqual(done.settings, same, 'one revision is one state')
          told.set(done.settings.rev, done.settings)
          if (done.settings.rev > devices[n]!.held.rev) devices[n]!.held = done.settings
        }
      }),
    )
    await syncing
    const [after] = await stores[1].settings.read(userId, [stay])
    assert.ok(before && after)
    for (const field of ['mutedUntil', 'archivedSeq', 'pinned', 'level', 'draft'] as const) {
      // The last word of one of the devices, or what was there if nobody spoke of it.
      const last = sets.map((changes) =>
        changes.reduce<Settings>((state, one) => withChange(state, one, 5), { ...UNSET, [field]: before[field] }),
      )
      const spoke = sets.map((changes) => changes.some((one) => (field === 'archivedSeq' ? 'archived' : field) in one))
      const possible = last.filter((_, n) => spoke[n]).map((state) => state[field])
      assert.ok((possible.length > 0 ? possible : [before[field]]).includes(after[field]), field)
    }
  }
  for (const device of devices) await sync(device)
  assert.deepEqual(devices[0]!.held, devices[1]!.held)
  assert.deepEqual(await stores[0].settings.read(userId, [stay]), [devices[0]!.held])
}

type TurnOf<A> = A extends fc.Arbitrary<infer T> ? T : never
