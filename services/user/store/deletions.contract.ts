import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { NEW_PROFILE } from '@parley/protocol/profile'
import { account, session } from './store.contract.ts'
import type { UserStore } from './store.ts'

const AT = '2026-01-01T00:00:00.000Z'

/** The part of the user store's contract that is about deleting accounts. */
export function deletionsContract(
  name: string,
  several: (t: TestContext, count: number) => Promise<UserStore[]>,
): void {
  test(`${name}: a deleted account is found by nothing, its sessions are over, and name and address are free`, async (t) => {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    const [ann, ben] = [account('ann'), account('ben')]
    for (const each of [ann, ben]) await here.users.add(each)
    const [anns, bens] = [session(ann.id), session(ben.id)]
    for (const each of [anns, bens]) await here.sessions.add(each)
    const profile = { ...NEW_PROFILE, userId: ann.id, rev: 1, viewRevs: { friend: 1, other: 1 }, toldRev: 0 }
    assert.equal(await here.profiles.save(profile), true)
    const deletion = { userId: ann.id, messages: 'erase' as const, at: AT }
    assert.equal(await here.deletions.begin(deletion, 'not the hash'), false)
    assert.deepEqual(await there.users.find([ann.id]), [ann])
    assert.equal(await here.control.head(), 0)
    assert.deepEqual(await there.deletions.open(10), [])
    assert.deepEqual(await there.deletions.gone([ann.id, ben.id]), [])

    assert.equal(await here.deletions.begin(deletion, ann.passwordHash), true)
    assert.deepEqual(await there.deletions.gone([ben.id, ann.id, anns.id, randomUUID()]), [ann.id])
    assert.equal(await there.users.findByEmail(ann.emailKey), undefined)
    assert.equal(await there.users.findByName('ann'), undefined)
    assert.deepEqual(await there.users.find([ann.id, ben.id]), [ben])
    assert.deepEqual(await there.users.search('an', undefined, 10), [])
    assert.equal(await there.sessions.find(anns.id), undefined)
    assert.deepEqual(await there.profiles.find([ann.id]), [])
    assert.deepEqual(await there.sessions.list(ann.id), [])
    assert.equal(
      await there.sessions.rotate(anns.id, 0, { current: 'x', previous: 'y', lastUsedAt: AT, expiresAt: AT }),
      false,
    )
    assert.deepEqual(await there.sessions.list(ben.id), [bens])
    assert.deepEqual(await there.control.read(0, 10), [
      { n: 1, at: AT, kind: 'user.deleted', userId: ann.id, messages: 'erase' },
    ])
    assert.deepEqual(await there.deletions.open(10), [deletion])
    assert.deepEqual(
      (await there.users.unannounced(10)).map(({ id }) => id),
      [ben.id],
    )
    assert.equal(await there.users.add({ ...account('ann'), id: randomUUID() }), 'added')
    await there.deletions.finish([ann.id, randomUUID()])
    assert.deepEqual(await here.deletions.open(10), [])
    assert.deepEqual(await here.deletions.gone([ann.id]), [ann.id], 'for ever')
    assert.deepEqual(await here.deletions.gone([]), [])
  })

  test(`${name}: of many who delete one account at once all succeed, and it is deleted once`, async (t) => {
    const stores = await several(t, 2)
    const ann = account('ann')
    await stores[0]!.users.add(ann)
    const deletion = { userId: ann.id, messages: 'keep' as const, at: AT }
    const done = await Promise.all(
      Array.from({ length: 6 }, (_, i) => stores[i % 2]!.deletions.begin(deletion, ann.passwordHash)),
    )
    assert.deepEqual(done, Array(6).fill(true))
    assert.equal((await stores[1]!.control.read(0, 10)).length, 1)
    assert.deepEqual(await stores[1]!.deletions.open(10), [deletion])
  })

  test(`${name}: of a deletion and a new password at once one holds`, async (t) => {
    const [here, there] = (await several(t, 2)) as [UserStore, UserStore]
    for (let i = 0; i < 5; i++) {
      const each = account(`user${i}`)
      await here.users.add(each)
      const deletion = { userId: each.id, messages: 'keep' as const, at: AT }
      const [deleted, changed] = await Promise.all([
        here.deletions.begin(deletion, each.passwordHash),
        there.users.setPassword(each.id, { before: each.passwordHash, after: 'new' }),
      ])
      assert.notEqual(deleted, changed)
      assert.equal((await here.users.find([each.id])).length, changed ? 1 : 0)
      assert.equal(
        (await here.deletions.open(10)).some(({ userId }) => userId === each.id),
        deleted,
      )
    }
  })
}
