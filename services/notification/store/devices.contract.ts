import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { PREFERRED } from '../preferences.ts'
import type { Device } from './devices.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

/** The part of the contract that is about what users have registered and set. */
export function devicesContract(name: string, several: Several): void {
  test(`${name}: a device is registered once, and is whose it was registered for last`, async (t) => {
    const [{ devices: here }, { devices: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const [ann, bob] = [randomUUID(), randomUUID()]
    const phone = device(ann, { registeredAt: 2 })
    const laptop = device(ann, { registeredAt: 1 })
    await here.put(phone, 10)
    await there.put(laptop, 10)
    await here.put({ ...phone, name: 'Renamed' }, 10)
    assert.deepEqual(await there.ofUsers([bob, ann]), [laptop, { ...phone, name: 'Renamed' }])
    await there.put({ ...phone, userId: bob }, 10)
    assert.deepEqual(await here.ofUsers([ann]), [laptop])
    assert.deepEqual(await here.find(phone.id), { ...phone, userId: bob })
    assert.equal(await here.find(randomUUID()), undefined)
    assert.deepEqual(await here.ofUsers([]), [])
  })

  test(`${name}: of too many the first registered goes`, async (t) => {
    const [{ devices }] = (await several(t, 1)) as [NotificationStore]
    const [ann, bob] = [randomUUID(), randomUUID()]
    const all = [3, 1, 4, 2].map((registeredAt) => device(ann, { registeredAt }))
    await devices.put(device(bob), 3)
    for (const one of all) await devices.put(one, 3)
    assert.deepEqual(
      (await devices.ofUsers([ann])).map(({ registeredAt }) => registeredAt),
      [2, 3, 4],
    )
    assert.equal((await devices.ofUsers([bob])).length, 1)
  })

  test(`${name}: devices go one by one, with their session, or with their user`, async (t) => {
    const [{ devices }] = (await several(t, 1)) as [NotificationStore]
    const [ann, bob, sessionId] = [randomUUID(), randomUUID(), randomUUID()]
    const [one, two, three] = [device(ann, { registeredAt: 1 }), device(ann, { sessionId }), device(bob, { sessionId })]
    for (const each of [one, two, three]) await devices.put(each, 10)
    assert.equal(await devices.remove(one.id, bob), false, 'only one’s own')
    assert.equal((await devices.ofUsers([ann])).length, 2)
    assert.equal(await devices.remove(one.id, ann), true)
    assert.equal(await devices.remove(one.id, ann), false)
    await devices.removeSession(sessionId)
    assert.deepEqual(await devices.ofUsers([ann, bob]), [])
    await devices.put(one, 10)
    await devices.put(three, 10)
    await devices.forget(ann)
    assert.deepEqual(await devices.ofUsers([ann, bob]), [three])
  })

  test(`${name}: a device that is refused time and again in a row goes, and not before`, async (t) => {
    const [{ devices: here }, { devices: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    const [ann, bob] = [randomUUID(), randomUUID()]
    const phone = device(ann, {
      address: { kind: 'fcm', token: randomUUID(), platform: 'android', form: 'notification' },
    })
    await here.put(phone, 10)
    assert.equal(await here.refused(phone.id, ann, 2), false)
    assert.equal(await there.refused(phone.id, bob, 1), false, 'only for whose it is')
    assert.deepEqual(await there.find(phone.id), { ...phone, refused: 1 })
    await there.accepted(phone.id)
    assert.deepEqual(await here.find(phone.id), phone)
    assert.equal(await here.refused(phone.id, ann, 2), false)
    await here.put(phone, 10)
    assert.equal(await there.refused(phone.id, ann, 2), false, 'registered again it is as new')
    assert.equal(await here.refused(phone.id, ann, 2), true)
    assert.equal(await there.find(phone.id), undefined)
    assert.equal(await there.refused(phone.id, ann, 1), false)
  })

  test(`${name}: preferences change field by field, and are those of everybody until then`, async (t) => {
    const [{ preferences: here }, { preferences: there }] = (await several(t, 2)) as [
      NotificationStore,
      NotificationStore,
    ]
    const [ann, bob] = [randomUUID(), randomUUID()]
    assert.deepEqual(await here.find([ann, bob]), new Map())
    const quietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' }
    assert.deepEqual(await here.change(ann, { quietHours }), { ...PREFERRED, quietHours })
    const both = { ...PREFERRED, quietHours, push: false }
    assert.deepEqual(await there.change(ann, { push: false }), both)
    assert.deepEqual(await here.change(ann, {}), both)
    assert.deepEqual(await here.find([bob, ann]), new Map([[ann, both]]))
    assert.deepEqual(await there.change(ann, { quietHours: null }), { ...PREFERRED, push: false })
    assert.deepEqual(await there.change(bob, {}), PREFERRED)
    await here.forget(ann)
    assert.equal((await there.find([ann])).size, 0)
  })

  test(`${name}: progress is kept by name, and may go back`, async (t) => {
    const [{ progress: here }, { progress: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    assert.equal(await here.of('one'), undefined)
    await here.set('one', 5)
    await there.set('other', 7)
    await there.set('one', 3)
    assert.deepEqual([await here.of('one'), await here.of('other')], [3, 7])
  })

  test(`${name}: changes at once of different fields all hold`, async (t) => {
    const stores = await several(t, 2)
    const ann = randomUUID()
    const until = '2030-01-01T00:00:00.000Z'
    await Promise.all([
      stores[0]!.preferences.change(ann, { push: false }),
      stores[1]!.preferences.change(ann, { doNotDisturbUntil: until }),
    ])
    assert.deepEqual((await stores[0]!.preferences.find([ann])).get(ann), {
      ...PREFERRED,
      ...{ push: false, doNotDisturbUntil: until },
    })
  })
}

const device = (userId: string, more: Partial<Device> = {}): Device => ({
  ...{ id: randomUUID(), userId, sessionId: randomUUID(), name: 'Firefox on Linux', registeredAt: 5, refused: 0 },
  address: { kind: 'webpush', endpoint: 'https://push.example.org/x', p256dh: 'BP', auth: 'AA' },
  ...more,
})
