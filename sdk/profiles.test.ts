import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownName } from '@parley/protocol/profile'
import { memoryStorage } from './memory.ts'
import { device, openParley, PASSWORD, register, settled, signIn } from './parley.fixture.ts'
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

test('who deletes the account has no name any more on a device that was away, also where only old messages name them, online or not', async (t) => {
  const parley = await openParley(t)
  const [ann, ben, cleo] = [
    await register(t, parley, 'ann'),
    await register(t, parley, 'ben'),
    await register(t, parley, 'cleo'),
  ]
  const [anns, cleos] = [await signIn(t, parley, ann), await signIn(t, parley, cleo)]
  const storage = memoryStorage()
  const bens = await signIn(t, parley, ben, { storage })
  const { id } = await anns.createGroup('G', [ben.id, cleo.id])
  await cleos.send({ conversationId: id }, 'from cleo')
  await settled(cleos)
  await anns.removeMember(id, cleo.id)
  await anns.send({ conversationId: id }, 'from ann')
  await settled(anns)
  await settled(bens)
  const said = (client: ParleyClient) => {
    const { messages, events } = client.timeline(id).get()
    const named = events.flatMap(({ names }) => [names[ann.id] ?? '?', names[cleo.id] ?? '?'])
    return [messages.map(({ sender }) => sender), named.filter((name) => name !== '?')] as const
  }
  await bens.timeline(id).open()
  assert.deepEqual(said(bens)[0], ['cleo', 'ann'])
  assert.deepEqual(new Set(said(bens)[1]), new Set(['ann', 'cleo']))
  await bens.close()
  for (const client of [anns, cleos]) await client.deleteAccount(PASSWORD, 'keep')

  const again = device(t, parley, { storage })
  await again.resume()
  again.connect()
  await again.timeline(id).open()
  await shows(again.timeline(id), () => said(again)[0].every((sender) => sender === ''))
  assert.deepEqual(new Set(said(again)[1]), new Set(['']))
  await shows(again.conversations, ([group]) => group?.lastMessage?.sender === '')
  await shows(again.people, (people) => people.get(cleo.id)?.deleted === true && people.get(ann.id)?.username === '')
  await again.close()

  parley.reachable(false)
  const offline = device(t, parley, { storage })
  await offline.resume()
  await offline
    .timeline(id)
    .open()
    .catch(() => {})
  assert.deepEqual(said(offline)[0], ['', ''], 'it is kept')
  assert.ok(offline.people.get().get(cleo.id)?.deleted)
})

test('who deletes the account has no name any more on devices that look on', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const [anns, bens] = [await signIn(t, parley, ann), await signIn(t, parley, ben)]
  await befriend(anns, bens, ann.id, ben.id)
  await bens.contacts.load()
  await anns.send({ receiverId: ben.id }, 'hi')
  await settled(anns)
  await settled(bens)
  bens.watchPresence([ann.id])
  await shows(bens.presence, (items) => items.has(ann.id))
  const { id } = bens.conversations.get()[0]!
  await bens.timeline(id).open()
  await anns.deleteAccount(PASSWORD, 'keep')
  await shows(bens.people, (people) => people.get(ann.id)?.deleted === true)
  await shows(bens.timeline(id), ({ messages }) => messages[0]?.sender === '')
  await shows(
    bens.conversations,
    ([direct]) => direct?.title === '' && direct.members?.some(({ deleted }) => deleted) === true,
  )
  await shows(bens.contacts, ({ friends }) => friends.length === 0)
})

test('who is named in a large group and nowhere at hand is asked for, all at once', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const anns = await signIn(t, parley, ann)
  const crowd = await Promise.all(
    Array.from({ length: 33 }, async (_, n) => (await register(t, parley, `member-${n}`)).id),
  )
  const { id } = await anns.createGroup('Crowd', [ben.id, ...crowd])
  const asked: string[] = []
  const forgetful: typeof fetch = async (...request) => {
    const [address, { body } = {}] = request
    if (String(address).includes('/api/user/changes'))
      asked.push(...(JSON.parse(String(body)) as { known: { id: string }[] }).known.map(({ id }) => id))
    const response = await fetch(...request)
    if (!/\/(messages|log)\?/.test(String(address))) return response
    const { people: _, ...page } = (await response.json()) as Record<string, unknown>
    return Response.json(page)
  }
  const bens = await signIn(t, parley, ben, { fetch: forgetful })
  await bens.timeline(id).open()
  const named = () => Object.keys(bens.timeline(id).get().events[0]?.names ?? {}).length
  await shows(bens.timeline(id), () => named() === 35)
  assert.deepEqual(asked.filter((userId) => crowd.includes(userId)).sort(), crowd.toSorted(), 'each once')
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
