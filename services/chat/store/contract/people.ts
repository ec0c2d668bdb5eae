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
    const known = [
      { id: ann, username: 'ann' },
      { id: bob, username: 'Bob 三' },
    ].toSorted((a, b) => a.id.localeCompare(b.id))
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
}
