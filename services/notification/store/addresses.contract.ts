import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

const NOW = Date.parse('2030-01-01T00:00:00.000Z')
const DAY = 86_400_000

/** The part of the contract that is about addresses that mail does not reach. */
export function addressesContract(name: string, several: Several): void {
  test(`${name}: an address is suspended with the latest reason until it is lifted`, async (t) => {
    const [{ addresses: here }, { addresses: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    assert.equal(await here.find('ann'), undefined)
    await here.suspend('ann', { at: NOW, detail: '550 nobody' })
    await here.suspend('ben', { at: NOW, detail: '550 nobody' })
    await there.suspend('ann', { at: NOW + 1, detail: '550 nobody still' })
    assert.deepEqual(await here.find('ann'), { at: NOW + 1, detail: '550 nobody still' })
    assert.deepEqual([await here.count(10), await here.count(1)], [2, 1])
    await here.lift('ann')
    await here.lift('nobody')
    assert.equal(await there.find('ann'), undefined)
    assert.ok(await there.find('ben'))
  })

  test(`${name}: a suspended address has one trial in a day, for one delivery`, async (t) => {
    const [{ addresses: here }, { addresses: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    assert.equal(await here.tryOnce('ann', 'one', NOW, DAY), false, 'it is not suspended')
    await here.suspend('ann', { at: NOW, detail: '550' })
    const tried = await Promise.all(
      ['one', 'two', 'three', 'four'].map(
        async (id, i) => (await (i % 2 ? here : there).tryOnce('ann', id, NOW, DAY)) && id,
      ),
    )
    const [taken, ...more] = tried.filter((id) => id !== false)
    assert.deepEqual(more, [])
    assert.equal(await there.tryOnce('ann', taken!, NOW + 1, DAY), true, 'the same delivery may go on')
    await there.suspend('ann', { at: NOW + 1, detail: '550 again' })
    assert.equal(await there.tryOnce('ann', 'five', NOW + DAY - 1, DAY), false)
    assert.equal(await there.tryOnce('ann', 'five', NOW + DAY, DAY), true)
    assert.equal(await here.tryOnce('ann', taken!, NOW + DAY, DAY), false)
  })

  test(`${name}: what was suspended long ago is forgotten`, async (t) => {
    const [{ addresses }] = (await several(t, 1)) as [NotificationStore]
    await addresses.suspend('old', { at: NOW, detail: '550' })
    await addresses.suspend('new', { at: NOW + 1, detail: '550' })
    await addresses.purge(NOW + 1)
    assert.equal(await addresses.find('old'), undefined)
    assert.ok(await addresses.find('new'))
  })
}
