import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { FOR_EVER, isArchived, isMuted, type Settings } from '@parley/protocol/settings'
import fc from 'fast-check'
import { ParleyError } from './error.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, until } from './parley.fixture.ts'
import type { ParleyClient } from './types.ts'

const settingsOf = (client: ParleyClient, id: string): Settings | undefined =>
  client.conversations.get().find((one) => one.id === id)?.me.settings

/** Two devices of one user, and a group they both have. */
async function two(t: TestContext) {
  const parley = await openParley(t)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [phone, laptop] = [await signIn(t, parley, ann), await signIn(t, parley, ann)]
  const { id } = await phone.createGroup('Tea', [bob.id])
  await until(laptop, 'the group', () => settingsOf(laptop, id) !== undefined)
  return { parley, ann, bob, phone, laptop, id }
}

test('what one sets on one device is shown there at once, and on the other soon', async (t) => {
  const { phone, laptop, id } = await two(t)
  phone.conversation(id).mute(new Date(FOR_EVER))
  phone.conversation(id).setLevel('mentions')
  phone.conversation(id).pin()
  const set = settingsOf(phone, id)!
  assert.deepEqual([isMuted(set, new Date()), set.level, set.pinned], [true, 'mentions', 1])
  await until(
    laptop,
    'all of it',
    () => settingsOf(laptop, id)?.level === 'mentions' && !!settingsOf(laptop, id)?.pinned,
  )
  laptop.conversation(id).unmute()
  laptop.conversation(id).archive()
  const now = settingsOf(laptop, id)!
  assert.deepEqual([isMuted(now, new Date()), isArchived(now, 0, new Date()), now.pinned], [false, true, null])
  await until(phone, 'the archive', () => settingsOf(phone, id)?.archivedSeq === 0)
  await Promise.all([settled(phone), settled(laptop)])
  assert.deepEqual(settingsOf(phone, id), settingsOf(laptop, id))
})

test('what is set while offline is kept over a restart of the device, and told when it is back', async (t) => {
  const { parley, ann, laptop, id } = await two(t)
  const storage = memoryStorage()
  const tablet = await signIn(t, parley, ann, { storage })
  parley.reachable(false)
  tablet.conversation(id).archive()
  tablet.conversation(id).setDraft('begun on the train')
  await tablet.close()
  const again = device(t, parley, { storage })
  await again.resume()
  assert.equal(settingsOf(again, id)?.draft, 'begun on the train')
  parley.reachable(true)
  again.connect()
  await until(laptop, 'the draft', () => settingsOf(laptop, id)?.draft === 'begun on the train')
  assert.equal(settingsOf(laptop, id)?.archivedSeq, 0)
  await settled(again)
})

test('a device that was away finds the settings by its sync', async (t) => {
  const { phone, laptop, id } = await two(t)
  laptop.disconnect()
  phone.conversation(id).setLevel('none')
  await settled(phone)
  laptop.connect()
  await until(laptop, 'the level', () => settingsOf(laptop, id)?.level === 'none')
})

test('a draft is told at most once a second, goes with the message, and is never told when it is sent at once', async (t) => {
  const { ann, parley, phone, laptop, id } = await two(t)
  let told = 0
  const counting: typeof fetch = (url, init) => {
    if (String(url).endsWith('/settings')) told++
    return fetch(url, init)
  }
  const desk = await signIn(t, parley, ann, { fetch: counting })
  desk.conversation(id).setDraft('o')
  desk.conversation(id).setDraft('on')
  await desk.send({ conversationId: id }, 'on')
  await desk.send({ conversationId: id }, 'and on')
  await settled(desk)
  assert.equal(told, 0)
  const began = performance.now()
  while (performance.now() - began < 1_500) {
    desk.conversation(id).setDraft(`typing ${performance.now()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  desk.conversation(id).setDraft('typed')
  await until(phone, 'the draft', () => settingsOf(phone, id)?.draft === 'typed')
  assert.ok(told >= 2 && told <= 4, `${told} in about two seconds`)
  await desk.send({ conversationId: id }, 'typed')
  assert.equal(settingsOf(desk, id)?.draft, '')
  for (const client of [phone, laptop]) await until(client, 'no draft', () => settingsOf(client, id)?.draft === '')
})

test('an archived conversation comes back with a message, and stays away while it is muted', async (t) => {
  const { parley, bob, phone, id } = await two(t)
  const bobs = await signIn(t, parley, bob)
  const archived = (): boolean => {
    const { me, headSeq } = phone.conversations.get().find((one) => one.id === id)!
    return isArchived(me.settings, headSeq, new Date())
  }
  phone.conversation(id).archive()
  await settled(phone)
  assert.ok(archived())
  await bobs.send({ conversationId: id }, 'news')
  await until(phone, 'it is back', () => !archived())
  phone.conversation(id).archive()
  phone.conversation(id).mute(new Date(FOR_EVER))
  await bobs.send({ conversationId: id }, 'more news')
  await until(phone, 'the message', () => phone.conversations.get().find((one) => one.id === id)?.headSeq === 2)
  assert.ok(archived())
  await settled(phone)
  assert.ok(archived())
})

test('pinned conversations are on top, the latest pinned first, and there are at most ten', async (t) => {
  const { phone } = await two(t)
  const groups: string[] = []
  for (let n = 0; n < 12; n++) groups.push((await phone.createGroup(`${n}`, [])).id)
  for (const id of groups.slice(0, 10)) phone.conversation(id).pin()
  assert.throws(() => phone.conversation(groups[10]!).pin(), ParleyError)
  const top = (): string[] =>
    phone.conversations
      .get()
      .slice(0, 10)
      .map(({ id }) => id)
  assert.deepEqual(top(), groups.slice(0, 10).toReversed())
  await settled(phone)
  assert.deepEqual(top(), groups.slice(0, 10).toReversed())
  phone.conversation(groups[3]!).pin(false)
  phone.conversation(groups[11]!).pin()
  assert.equal(top()[0], groups[11])
  await settled(phone)
  assert.throws(() => phone.conversation('nowhere').pin(), ParleyError)
})

test('whatever two devices set, together or apart, they end with the same', { timeout: 120_000 }, async (t) => {
  const { parley, phone, laptop, id } = await two(t)
  const devices = [phone, laptop] as const
  const act = fc.oneof(
    fc.record({ do: fc.constant('draft' as const), by: fc.nat(1), text: fc.constantFrom('', 'a', 'ab') }),
    fc.record({
      do: fc.constantFrom('mute' as const, 'unmute' as const, 'archive' as const, 'pin' as const),
      by: fc.nat(1),
    }),
    fc.record({ do: fc.constantFrom('away' as const, 'back' as const, 'cut' as const), by: fc.nat(1) }),
    fc.record({ do: fc.constant('wait' as const), by: fc.nat(1) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
      for (const one of acts) {
        const client = devices[one.by]!
        const own = client.conversation(id)
        if (one.do === 'draft') own.setDraft(one.text)
        else if (one.do === 'mute') own.mute(new Date(FOR_EVER))
        else if (one.do === 'unmute') own.unmute()
        else if (one.do === 'archive') own.archive(settingsOf(client, id)?.archivedSeq === null)
        else if (one.do === 'pin') own.pin(settingsOf(client, id)?.pinned === null)
        else if (one.do === 'away') client.disconnect()
        else if (one.do === 'back') client.connect()
        else if (one.do === 'cut') parley.cut()
        else await new Promise((resolve) => setTimeout(resolve, 3))
      }
      for (const client of devices) client.connect()
      await Promise.all(devices.map(settled))
      // The other's last word may be on its way still: it is there by a sync.
      await Promise.all(devices.map(settled))
      assert.deepEqual(settingsOf(phone, id), settingsOf(laptop, id))
    }),
    { numRuns: 8 },
  )
})
