import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownName } from '@parley/protocol/profile'
import { openParley, register, settled, signIn } from './parley.fixture.ts'
import type { ParleyClient, Readable } from './types.ts'

test('a change of one’s profile reaches one’s other devices and whoever watches, each as it may see it', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const [phone, laptop] = [await signIn(t, parley, ann), await signIn(t, parley, ann)]
  const bens = await signIn(t, parley, ben)
  await phone.send({ receiverId: ben.id }, 'hi')
  await settled(phone)
  await shows(bens.conversations, (list) => list.length === 1)
  bens.watchPresence([ann.id])
  await shows(bens.presence, (items) => items.has(ann.id))
  assert.equal((await laptop.profile.load()).rev, 0)

  const changed = await phone.profile.change({
    displayName: 'Annie',
    bio: 'for friends',
    visibility: { bio: 'friends' },
  })
  assert.deepEqual(phone.profile.get(), changed)
  await shows(laptop.profile, (profile) => profile?.bio === 'for friends')
  await shows(bens.people, (people) => people.get(ann.id)?.displayName === 'Annie')
  assert.deepEqual(bens.people.get().get(ann.id), {
    id: ann.id,
    username: 'ann',
    displayName: 'Annie',
    rev: 1,
    viewRev: 1,
  })
  await befriend(phone, bens, ann.id, ben.id)
  // Read again by the new standing, without being asked to.
  await shows(bens.people, (people) => people.get(ann.id)?.bio === 'for friends')
  await laptop.profile.change({ status: { text: 'away' }, displayName: null })
  await shows(bens.people, (people) => people.get(ann.id)?.status?.text === 'away')
  const person = bens.people.get().get(ann.id)!
  assert.deepEqual([shownName(person), person.bio], ['ann', 'for friends'])
  await assert.rejects(phone.profile.change({ displayName: 'a\u202eb' }), /direction characters/)
})

test('a device that was away is shown what changed meanwhile, also of people of whom nothing else came', async (t) => {
  const parley = await openParley(t)
  const [ann, ben, cleo] = [
    await register(t, parley, 'ann'),
    await register(t, parley, 'ben'),
    await register(t, parley, 'cleo'),
  ]
  const [anns, bens] = [await signIn(t, parley, ann), await signIn(t, parley, ben)]
  await anns.createGroup('G', [ben.id, cleo.id])
  await shows(bens.people, (people) => people.has(ann.id) && people.has(cleo.id))
  bens.disconnect()
  await shows(bens.connection, (state) => state === 'offline')
  await anns.profile.change({ displayName: 'Annie', status: { text: 'here' } })
  bens.connect()
  await shows(bens.people, (people) => people.get(ann.id)?.displayName === 'Annie')
  assert.deepEqual(bens.people.get().get(ann.id)?.status, { text: 'here' })
  assert.deepEqual(bens.people.get().get(cleo.id), { id: cleo.id, username: 'cleo' })
  await bens.logout()
  assert.deepEqual([bens.people.get().size, bens.profile.get()], [0, undefined])
})

async function befriend(anns: ParleyClient, bens: ParleyClient, annId: string, benId: string): Promise<void> {
  await anns.contacts.request(benId)
  assert.equal((await bens.contacts.request(annId)).status, 'friends')
}

/** Resolves when the value is so; rejects after 20 s. */
function shows<T>(value: Readable<T>, holds: (value: T) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it never showed: ${JSON.stringify(value.get())}`)), 20_000)
    const look = (): void => {
      if (!holds(value.get())) return
      clearTimeout(late)
      stop()
      resolve()
    }
    const stop = value.subscribe(look)
    queueMicrotask(look)
  })
}
