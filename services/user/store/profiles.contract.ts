import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { NEW_PROFILE } from '@parley/protocol/profile'
import { USER_LIMITS } from '../config.ts'
import { openProfiles } from '../profiles.ts'
import { openThrottle } from '../throttle.ts'
import type { NamePlace, ProfileStore, StoredProfile } from './profiles.ts'
import { account } from './store.contract.ts'
import type { UserStore } from './store.ts'

/** What every store promises of profiles. `open` as for `userStoreContract`. */
export function profileStoreContract(name: string, open: (t: TestContext) => Promise<() => Promise<UserStore>>): void {
  const several = async (t: TestContext, count: number): Promise<ProfileStore[]> => {
    const stores: UserStore[] = []
    t.after(() => Promise.all(stores.map((store) => store[Symbol.asyncDispose]())))
    const another = await open(t)
    for (let i = 0; i < count; i++) stores.push(await another())
    return stores.map((store) => store.profiles)
  }

  test(`${name}: a profile is written once for each rev, whoever writes, and read back as it was`, async (t) => {
    const [here, there] = (await several(t, 2)) as [ProfileStore, ProfileStore]
    const ann = randomUUID()
    assert.deepEqual(await here.find([ann]), [])
    assert.deepEqual(await here.find([]), [])
    const first = await Promise.all(
      Array.from({ length: 8 }, (_, i) => [here, there][i % 2]!.save(profile(ann, 1, { bio: `${i}` }))),
    )
    assert.equal(first.filter(Boolean).length, 1)
    assert.deepEqual(await there.find([ann]), [profile(ann, 1, { bio: `${first.indexOf(true)}` })])
    assert.equal(await here.save(profile(ann, 3)), false)
    const whole = profile(ann, 2, {
      displayName: 'Ann 👩‍🚀 א',
      bio: 'two\nlines',
      status: { text: 'away', expiresAt: '2026-01-01T00:00:00.000Z' },
      colour: 0,
      visibility: { bio: 'friends', status: 'nobody', lastSeen: 'friends' },
      findable: 'nobody',
      privateReceipts: true,
      privatePresence: true,
      viewRevs: { friend: 2, other: 1 },
    })
    assert.equal(await there.save(whole), true)
    assert.equal(await here.save(whole), false)
    assert.deepEqual(await here.find([ann, randomUUID()]), [whole])
    assert.equal(await here.save(profile(ann, 3, { status: null })), true)
    assert.deepEqual(await there.find([ann]), [profile(ann, 3, { status: null })])
  })

  test(`${name}: those who keep something back are listed in pages, for as long as they do`, async (t) => {
    const [store] = (await several(t, 1)) as [ProfileStore]
    const ids = Array.from({ length: 5 }, () => randomUUID()).sort()
    for (const [i, id] of ids.entries()) await store.save(profile(id, 1, KEPT[i]))
    const listed = async (after?: string, limit = 2): Promise<string[]> =>
      (await store.keepingBack(after, limit)).map(({ userId }) => userId)
    assert.deepEqual(await listed(), ids.slice(0, 2))
    assert.deepEqual(await listed(ids[1]), ids.slice(2, 3))
    await store.save(profile(ids[0]!, 2))
    await store.save(profile(ids[3]!, 2, LAST_SEEN))
    assert.deepEqual(await listed(undefined, 10), ids.slice(1, 4))
  })

  test(`${name}: what is erased is gone, as often as it is, and waits no more to be told`, async (t) => {
    const [store] = (await several(t, 1)) as [ProfileStore]
    const [ann, ben] = [randomUUID(), randomUUID()]
    for (const id of [ann, ben]) await store.save(profile(id, 1, { bio: 'x', privateReceipts: true }))
    await Promise.all([store.erase(ann), store.erase(ann)])
    await store.told([{ userId: ann, rev: 1 }])
    assert.deepEqual(await store.find([ann]), [])
    assert.deepEqual(
      (await store.keepingBack(undefined, 5)).map(({ userId }) => userId),
      [ben],
    )
    assert.deepEqual(
      (await store.untold(5)).map(({ userId }) => userId),
      [ben],
    )
  })

  test(`${name}: the words of display names are listed in order and in pages, as the profiles are`, async (t) => {
    const [here, there] = (await several(t, 2)) as [ProfileStore, ProfileStore]
    const [ann, ben, eve] = Array.from({ length: 3 }, () => randomUUID()).sort() as [string, string, string]
    await here.save(profile(ann, 1, { displayName: 'Zoë Zola zu𐐀' }))
    await here.save(profile(ben, 1, { displayName: 'zoe ＺU\ufa0e' }))
    await here.save(profile(eve, 1))
    const all = async (prefix: string, limit: number): Promise<string[]> => {
      const found: string[] = []
      for (let after: NamePlace | undefined, page = 0; page < 20; page++) {
        const places = await there.named(prefix, after, limit)
        for (const { word, userId } of places) found.push(`${word} ${[ann, ben, eve].indexOf(userId)}`)
        if (places.length < limit) break
        after = places.at(-1)
      }
      return [...new Set(found.filter((one, i) => found.findIndex((other) => other.at(-1) === one.at(-1)) === i))]
    }
    for (const limit of [1, 2, 10]) {
      assert.deepEqual(await all('zo', limit), ['zoe 0', 'zoe 1'], `${limit}`)
      assert.deepEqual(await all('zol', limit), ['zola 0'])
      assert.deepEqual(await all('zu', limit), ['zu\ufa0e 1', 'zu\u{10428} 0'])
      assert.deepEqual(await all('oe', limit), [])
    }
    await there.save(profile(ann, 2, { displayName: 'Zack' }))
    await there.save(profile(eve, 2, { displayName: 'zola' }))
    assert.deepEqual(await all('zo', 2), ['zoe 1', 'zola 2'])
    assert.deepEqual(await all('zack', 2), ['zack 0'])
    assert.equal(await here.save(profile(ben, 3, { displayName: 'Late' })), false)
    assert.deepEqual(await here.named('late', undefined, 5), [])
    await here.erase(ben)
    await here.save(profile(eve, 3, { displayName: null }))
    assert.deepEqual(await all('zo', 2), [])
  })

  test(`${name}: whoever changes a display name at once, only the words of the last one stay`, async (t) => {
    const stores = await several(t, 3)
    const ann = randomUUID()
    await stores[0]!.save(profile(ann, 1, { displayName: 'qu0 same' }))
    for (let rev = 2; rev < 12; rev++) {
      const later = stores.map((store, i) => store.save(profile(ann, rev, { displayName: `qu${rev}${i} same` })))
      const next = later.map(async (saved, i) => {
        if (await saved) await stores[(i + 1) % 3]!.save(profile(ann, ++rev, { displayName: `qu${rev} same` }))
      })
      await Promise.all(next)
    }
    const [last] = await stores[0]!.find([ann])
    const words = async (prefix: string) => (await stores[1]!.named(prefix, undefined, 10)).map(({ word }) => word)
    assert.deepEqual(await words('qu'), [last!.displayName!.split(' ')[0]])
    assert.deepEqual(await words('same'), ['same'])
  })

  test(`${name}: a profile waits to be told until its latest rev was`, async (t) => {
    const [store] = (await several(t, 1)) as [ProfileStore]
    const ann = randomUUID()
    const waiting = async (): Promise<number[]> => (await store.untold(10)).map(({ rev }) => rev)
    await store.save(profile(ann, 1))
    assert.deepEqual(await waiting(), [1])
    await store.save(profile(ann, 2))
    await store.told([{ userId: ann, rev: 1 }])
    assert.deepEqual(await waiting(), [2])
    await store.told([{ userId: ann, rev: 2 }])
    await store.told([{ userId: ann, rev: 1 }])
    assert.deepEqual(await waiting(), [])
    assert.equal((await store.find([ann]))[0]!.toldRev, 2)
    await store.save(profile(ann, 3))
    assert.deepEqual(await waiting(), [3])
  })

  test(`${name}: changes of different fields by several processes at once are all kept, each in a rev of its own`, async (t) => {
    const stores = await several(t, 3)
    const ann = randomUUID()
    const rules = stores.map((profiles) =>
      openProfiles({
        profiles,
        deletions: { gone: async () => [] },
        accounts: { find: async () => [account('ann')] },
        contacts: { onlookers: async () => new Map(), hiding: async () => new Set(), friendsOf: async () => new Set() },
        throttle: openThrottle({ ...USER_LIMITS, profileChangesPerUser: 1_000 }),
        tell: async () => {},
        changed: () => {},
      }),
    )
    const changes = [
      { displayName: 'Ann' },
      { bio: 'here' },
      { colour: 3 },
      { visibility: { bio: 'friends' as const } },
      { visibility: { status: 'nobody' as const } },
      { status: { text: 'busy' } },
    ]
    const done = await Promise.all(changes.map((change, i) => rules[i % 3]!.change(ann, change)))
    assert.deepEqual(
      done.map(({ rev }) => rev).sort(),
      [1, 2, 3, 4, 5, 6],
      'each was told of the state that its own change made',
    )
    const { rev: _, ...own } = await rules[0]!.own(ann)
    const { rev: __, ...wanted } = { ...NEW_PROFILE }
    assert.deepEqual(own, {
      ...wanted,
      displayName: 'Ann',
      bio: 'here',
      colour: 3,
      status: { text: 'busy' },
      visibility: { bio: 'friends', status: 'nobody', lastSeen: 'everybody' },
    })
  })
}

/** What is written by an access token that is alive for a moment longer than its account. */
export function profileOfNobodyContract(
  name: string,
  open: (t: TestContext) => Promise<() => Promise<UserStore>>,
): void {
  test(`${name}: whoever changes a profile while the account is deleted, no profile stays`, async (t) => {
    const store = await (await open(t))()
    t.after(() => store[Symbol.asyncDispose]())
    const rules = openProfiles({
      profiles: store.profiles,
      deletions: store.deletions,
      accounts: store.users,
      contacts: { onlookers: async () => new Map(), hiding: async () => new Set(), friendsOf: async () => new Set() },
      throttle: openThrottle({ ...USER_LIMITS, profileChangesPerUser: 1_000 }),
      tell: async () => {},
      changed: () => {},
    })
    const nobody = randomUUID()
    await assert.rejects(rules.change(nobody, { bio: 'still here' }), { code: 'auth.invalid' })
    assert.deepEqual(await store.profiles.find([nobody]), [])
    for (let i = 0; i < 5; i++) {
      const ann = { ...account(`ann${i}`), id: randomUUID() }
      await store.users.add(ann)
      const deletion = { userId: ann.id, messages: 'keep' as const, at: '2026-01-01T00:00:00.000Z' }
      const changes = Array.from({ length: 4 }, (_, n) => rules.change(ann.id, { bio: `${n}` }))
      const [deleted] = await Promise.all([
        store.deletions.begin(deletion, ann.passwordHash),
        ...changes.map((one) => one.catch(() => {})),
      ])
      assert.equal(deleted, true)
      assert.deepEqual(await store.profiles.find([ann.id]), [])
    }
  })
}

const LAST_SEEN: Partial<StoredProfile> = {
  visibility: { bio: 'everybody', status: 'everybody', lastSeen: 'friends' },
}

const KEPT: Partial<StoredProfile>[] = [
  { privateReceipts: true },
  { privatePresence: true },
  LAST_SEEN,
  {},
  { findable: 'nobody' },
]

const profile = (userId: string, rev: number, more: Partial<StoredProfile> = {}): StoredProfile => ({
  userId,
  ...NEW_PROFILE,
  viewRevs: { friend: 0, other: 0 },
  toldRev: 0,
  ...more,
  rev,
})
