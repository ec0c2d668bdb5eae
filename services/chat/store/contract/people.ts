import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenStore } from '../store.contract.ts'
import { newId, people } from './world.ts'

/** The projection of users. */
export function peopleContract(name: string, open: OpenStore): void {
  test(`${name}: people are kept, kept again, renamed, and found after a restart`, async (t) => {
    const opened = await open(t)
    const [ann, bob] = people(2) as [string, string]
    await opened.store.people.put({ id: ann, username: 'ann' })
    await Promise.all([
      opened.store.people.put({ id: bob, username: 'bob' }),
      opened.store.people.put({ id: ann, username: 'ann' }),
    ])
    await opened.store.people.put({ id: bob, username: 'Bob 三' })
    const ann3 = { id: ann, username: 'ann', displayName: 'Ann 👩‍🚀', colour: 0, rev: 3 }
    await opened.store.people.put({ id: ann, username: 'ann', displayName: 'Annie', rev: 2 })
    await Promise.all([
      opened.store.people.put(ann3),
      opened.store.people.put({ id: ann, username: 'ann' }),
      opened.store.people.put({ id: ann, username: 'ann', displayName: 'Anna', colour: 7, rev: 1 }),
    ])
    await opened.store.people.put({ id: ann, username: 'ann', displayName: 'Annie', rev: 2 })
    const known = [ann3, { id: bob, username: 'Bob 三' }].toSorted((a, b) => a.id.localeCompare(b.id))
    for (const handle of [() => opened.store, opened.reopen]) {
      const store = await handle()
      const found = await store.people.find([ann, newId(), bob])
      assert.deepEqual(
        found.toSorted((a, b) => a.id.localeCompare(b.id)),
        known,
      )
      assert.deepEqual(await store.people.find([]), [])
    }
  })

  test(`${name}: what a person took back is gone`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    await store.people.put({ id: ann, username: 'ann', displayName: 'Annie', colour: 3, rev: 1 })
    await store.people.put({ id: ann, username: 'ann', rev: 2 })
    assert.deepEqual(await store.people.find([ann]), [{ id: ann, username: 'ann', rev: 2 }])
  })
}
