import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, until } from './parley.fixture.ts'
import type { ParleyClient } from './types.ts'

/** Two devices of ann and one of bob, and what was said between them, as each shows it. */
async function two(t: TestContext, count = 4) {
  const parley = await openParley(t, { PARLEY_LIMIT_SETTINGS_PER_SECOND: '1000', PARLEY_LIMIT_SETTINGS_BURST: '1000' })
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [phone, laptop, bobs] = [
    await signIn(t, parley, ann),
    await signIn(t, parley, ann),
    await signIn(t, parley, bob),
  ]
  const { id } = await phone.createGroup('Tea', [bob.id])
  for (let n = 1; n <= count; n++) await phone.send({ conversationId: id }, `message ${n}`)
  for (const client of [phone, laptop, bobs]) {
    await until(client, 'all of it', () => headOf(client, id) === count)
    await client.timeline(id).open()
    await settled(client)
  }
  return { parley, ann, phone, laptop, bobs, id }
}

const headOf = (client: ParleyClient, id: string): number | undefined =>
  client.conversations.get().find((one) => one.id === id)?.headSeq

/** What a device shows: each message's `seq`, with a star where it has one. */
const shown = (client: ParleyClient, id: string): string =>
  client
    .timeline(id)
    .get()
    .messages.map(({ seq, starred }) => `${seq}${starred ? '*' : ''}`)
    .join(' ')

test('what one stars and hides shows at once, soon on the other device, and on nobody else’s', async (t) => {
  const { phone, laptop, bobs, id } = await two(t)
  phone.conversation(id).star([1, 3])
  phone.conversation(id).hide([2, 4])
  assert.equal(shown(phone, id), '1* 3*')
  assert.equal(phone.conversations.get()[0]?.lastMessage?.seq, 3)
  await until(laptop, 'both', () => shown(laptop, id) === '1* 3*')
  assert.equal(laptop.conversations.get()[0]?.lastMessage?.text, 'message 3')
  laptop.conversation(id).hide([3])
  laptop.conversation(id).hide([4], false)
  laptop.conversation(id).star([1], false)
  assert.equal(shown(laptop, id), '1 4')
  await until(phone, 'it is undone', () => shown(phone, id) === '1 4')
  await Promise.all([settled(phone), settled(laptop), settled(bobs)])
  assert.equal(shown(bobs, id), '1 2 3 4')
  assert.equal(headOf(phone, id), 4)
  const { items } = await phone.starred()
  assert.deepEqual(items, [])
})

test('what is starred is listed over all conversations as it is now', async (t) => {
  const { phone, laptop, bobs, id } = await two(t)
  const other = await phone.createGroup('Cake', [])
  await phone.send({ conversationId: other.id }, 'cake')
  await settled(phone)
  phone.conversation(id).star([1, 2])
  await settled(phone)
  phone.conversation(other.id).star([1])
  await settled(phone)
  const messages = phone.timeline(id).get().messages
  await phone.edit(messages[1]!, 'edited')
  await phone.delete(messages[0]!)
  await settled(phone)
  const { items, nextCursor } = await laptop.starred()
  assert.deepEqual(
    items.map(({ text, sender }) => [text, sender]),
    [
      ['cake', 'ann'],
      ['edited', 'ann'],
    ],
  )
  assert.equal(nextCursor, undefined)
  assert.deepEqual((await bobs.starred()).items, [])
})

test('what is starred and hidden while offline is kept over a restart, and told when one is back', async (t) => {
  const { parley, ann, laptop, id } = await two(t)
  const storage = memoryStorage()
  const tablet = await signIn(t, parley, ann, { storage })
  await tablet.timeline(id).open()
  parley.reachable(false)
  tablet.conversation(id).star([2])
  tablet.conversation(id).hide([3])
  await tablet.close()
  const again = device(t, parley, { storage })
  await again.resume()
  await again
    .timeline(id)
    .open()
    .catch(() => {})
  assert.equal(shown(again, id), '1 2* 4')
  parley.reachable(true)
  again.connect()
  await until(laptop, 'both', () => shown(laptop, id) === '1 2* 4')
  await settled(again)
  assert.equal(shown(again, id), '1 2* 4')
})

test('a device that was away, or is new, fetches what one made of messages', async (t) => {
  const { parley, ann, phone, laptop, id } = await two(t)
  laptop.disconnect()
  phone.conversation(id).star([1, 2, 3])
  await settled(phone)
  phone.conversation(id).hide([1])
  await settled(phone)
  laptop.connect()
  await until(laptop, 'all of it', () => shown(laptop, id) === '2* 3* 4')
  const tablet = await signIn(t, parley, ann)
  await tablet.timeline(id).open()
  await until(tablet, 'all of it', () => shown(tablet, id) === '2* 3* 4')
})

test('two devices that star and hide in any order, on and off line, end with the same', {
  timeout: 120_000,
}, async (t) => {
  const { phone, laptop, id } = await two(t, 3)
  const devices = [phone, laptop] as const
  const step = fc.record({
    who: fc.constantFrom(0 as const, 1 as const),
    what: fc.constantFrom('star', 'unstar', 'hide', 'show', 'leave', 'return'),
    seqs: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      for (const { who, what, seqs } of steps) {
        const client = devices[who]
        const handle = client.conversation(id)
        if (what === 'leave') client.disconnect()
        else if (what === 'return') client.connect()
        else if (what === 'star' || what === 'unstar') handle.star(seqs, what === 'star')
        else handle.hide(seqs, what === 'hide')
        if (what === 'unstar' || what === 'show') continue
        const now = ` ${shown(client, id)} `
        for (const seq of seqs) {
          if (what === 'star') assert.ok(now.includes(` ${seq}* `), 'it shows at once')
          if (what === 'hide') assert.ok(!now.includes(` ${seq}`), 'it is away at once')
        }
      }
      for (const client of devices) client.connect()
      for (const client of devices) await settled(client)
      await settled(phone)
      assert.equal(shown(phone, id), shown(laptop, id))
    }),
    { numRuns: 15 },
  )
})
