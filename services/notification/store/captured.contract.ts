import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { CapturedLetter } from './captured.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const NOW = Date.parse('2030-01-01T00:00:00.000Z')

/** The part of the contract that is about mail that nobody sends. */
export function capturedContract(name: string, several: Several): void {
  test(`${name}: a captured letter is listed once, the latest first, with its link until that has ended`, async (t) => {
    const [{ captured: here }, { captured: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const first = letter({ link: 'https://x/#secret', expiresAt: '2030-01-01T00:30:00.000Z' })
    const second = letter({ kind: 'password.changed' })
    await here.add(first, NOW)
    await there.add({ ...first, to: 'other@example.org' }, NOW + 1)
    await there.add(second, NOW + 2)
    assert.deepEqual(await here.list(NOW + 2), [second, first])
    const { link: _, ...blanked } = first
    assert.deepEqual(await there.list(NOW + 30 * 60_000), [second, blanked])
    assert.deepEqual(await here.list(NOW), [second, blanked], 'it is forgotten and not only hidden')
  })

  test(`${name}: the last 200 are kept`, async (t) => {
    const [{ captured }] = (await several(t, 1)) as [NotificationStore]
    for (let i = 0; i < 203; i++) await captured.add(letter({ username: `u${i}` }), NOW + i)
    const all = await captured.list(NOW)
    assert.deepEqual([all.length, all[0]?.username, all.at(-1)?.username], [200, 'u202', 'u3'])
  })
}

const letter = (more: Partial<CapturedLetter> = {}): CapturedLetter => ({
  id: randomUUID(),
  at: '2030-01-01T00:00:00.000Z',
  to: 'ann@example.org',
  username: 'ann',
  kind: 'password.reset',
  ...more,
})
