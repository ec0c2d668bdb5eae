import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openParley, register, signIn } from './parley.fixture.ts'
import type { ContactsView, ParleyClient } from './types.ts'

test('a request, its answer and a block reach all devices of both, and who is blocked hears of no block', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const [phone, laptop] = [await signIn(t, parley, ann), await signIn(t, parley, ann)]
  const bens = await signIn(t, parley, ben)
  for (const device of [phone, laptop, bens]) await device.contacts.load()
  assert.equal(phone.contacts.get().loaded, true)

  assert.equal((await phone.contacts.request(ben.id)).status, 'outgoing')
  await shows(laptop, ({ outgoing }) => outgoing[0]?.username === 'ben')
  await shows(bens, ({ incoming }) => incoming[0]?.username === 'ann')
  assert.equal((await bens.contacts.accept(ann.id)).status, 'friends')
  for (const device of [phone, laptop, bens]) await shows(device, ({ friends }) => friends.length === 1)

  const conversation = await phone.openDirect(ben.id)
  const told: string[] = []
  bens.on('contact', ({ status, blocked }) => told.push(`${status} ${blocked}`))
  assert.equal((await phone.contacts.block(ben.id)).blocked, true)
  await shows(laptop, ({ blocked, friends }) => blocked.length === 1 && friends.length === 0)
  await shows(bens, ({ friends }) => friends.length === 0)
  await bens.send({ receiverId: ann.id }, 'are you there?')
  const refused = await new Promise((resolve) => {
    const look = () => bens.outbox.get()[0]?.refused && resolve(bens.outbox.get()[0]!.refused!.code)
    bens.outbox.subscribe(look)
    look()
  })
  assert.equal(refused, 'not_found', `an empty conversation (${conversation.id}) is hidden`)
  assert.deepEqual(told, ['none false'])

  await laptop.contacts.unblock(ben.id)
  await shows(phone, ({ blocked }) => blocked.length === 0)
  await bens.contacts.request(ann.id)
  await shows(phone, ({ incoming }) => incoming.length === 1)
  assert.deepEqual(told, ['none false'], 'unblocking is no news to who was blocked, and one’s own act none to oneself')
  await phone.contacts.decline(ben.id)
  await shows(bens, ({ outgoing }) => outgoing.length === 0)
})

test('what changed while a device was away is not missed because it was still reading when it went', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const bens = await signIn(t, parley, ben)
  const [read, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let holding = true
  const anns = await signIn(t, parley, ann, {
    async fetch(...request) {
      const reply = await fetch(...request)
      if (holding && String(request[0]).includes('list=blocked')) {
        read.resolve()
        await go.promise
      }
      return reply
    },
  })
  const loading = anns.contacts.load()
  await read.promise
  anns.disconnect()
  await bens.contacts.request(ann.id)
  anns.connect()
  await anns.settled(AbortSignal.timeout(20_000))
  holding = false
  go.resolve()
  await loading
  await shows(anns, ({ incoming }) => incoming[0]?.username === 'ben')
})

test('what changed while a device was away is there when it is back, and gone when it signs out', async (t) => {
  const parley = await openParley(t)
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const [annsDevice, bensDevice] = [await signIn(t, parley, ann), await signIn(t, parley, ben)]
  await annsDevice.contacts.load()
  annsDevice.disconnect()
  await bensDevice.contacts.request(ann.id)
  annsDevice.connect()
  await shows(annsDevice, ({ incoming }) => incoming[0]?.userId === ben.id)
  await annsDevice.logout()
  assert.deepEqual(annsDevice.contacts.get().incoming, [])
  assert.equal(annsDevice.contacts.get().loaded, false)
})

/** Resolves when the device's contacts are so; rejects after 10 s. */
async function shows(device: ParleyClient, holds: (view: ContactsView) => boolean): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = (): void => {
    if (holds(device.contacts.get())) done.resolve()
  }
  const stop = device.contacts.subscribe(look)
  const late = setTimeout(() => done.reject(new Error(`shows ${JSON.stringify(device.contacts.get())}`)), 10_000)
  look()
  await done.promise.finally(() => {
    clearTimeout(late)
    stop()
  })
}
