import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import test from 'node:test'
import { indexedDbStorage } from './indexeddb.ts'
import { device, openParley, PASSWORD, register, settled, signIn, texts, until } from './parley.fixture.ts'
import { joinTabs } from './tabs.ts'
import type { DeviceStorage } from './types.ts'

test('one tab leads, and when it goes the next one does', async () => {
  const led: string[] = []
  const join = (name: string) => joinTabs<string>('tabs-test', { lead: () => led.push(name), hear: () => {} })
  const [first, second] = [await join('first'), await join('second')]
  assert.deepEqual([first.leads, second.leads], [true, false])
  const third = await join('third')
  second.close()
  first.close()
  await new Promise<void>((resolve) => {
    const look = (): unknown => (third.leads ? resolve() : setImmediate(look))
    look()
  })
  assert.deepEqual(led, ['third'])
  third.close()
})

test('two tabs share one outbox: each message is sent once, and a closed leader loses nothing', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = () => indexedDbStorage('two-tabs')
  const first = await signIn(t, parley, annUser, { storage: storage() })
  const bob = await signIn(t, parley, bobUser)
  const { id } = await first.openDirect(bobUser.id)
  const second = device(t, parley, { storage: storage() })
  assert.equal((await second.resume())?.username, 'ann')
  second.connect()
  await settled(second)
  await second.send({ conversationId: id }, 'from the second tab')
  await first.send({ conversationId: id }, 'from the first tab')
  await until(bob, 'both', () => bob.conversations.get()[0]?.headSeq === 2)
  for (const tab of [first, second]) await until(tab, 'both', () => tab.conversations.get()[0]?.headSeq === 2)
  await until(second, 'nothing waits', () => second.outbox.get().length === 0)
  assert.deepEqual(second.outbox.get(), [])
  const both = ['from the second tab', 'from the first tab']
  assert.deepEqual((await texts(second, id)).sort(), both.sort())

  // The leader goes with a message unsent; the other tab sends it.
  first.disconnect()
  await first.send({ conversationId: id }, 'left behind')
  await until(second, 'it is in the other tab too', () => second.outbox.get().length === 1)
  await first.close()
  await until(bob, 'it arrives', () => bob.conversations.get()[0]?.lastMessage?.text === 'left behind')
  await until(second, 'nothing waits', () => second.outbox.get().length === 0)
  await second.close()

  // What the second tab kept when it led is whole.
  const later = device(t, parley, { storage: storage() })
  await later.resume()
  later.timeline(id)
  assert.equal((await texts(later, id)).length, 3)
  later.connect()
  await settled(later)
  assert.equal((await texts(later, id)).at(-1), 'left behind')
  assert.equal((await bob.members(id)).length, 2)
})

test('reading in one tab clears the count in the other', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const first = await signIn(t, parley, annUser, { storage: indexedDbStorage('reading') })
  const second = device(t, parley, { storage: indexedDbStorage('reading') })
  await second.resume()
  second.connect()
  await settled(second)
  const bob = await signIn(t, parley, bobUser)
  await bob.send({ receiverId: annUser.id }, 'hello')
  for (const tab of [first, second]) await until(tab, 'unread', () => tab.conversations.get()[0]?.me.unread === 1)
  second.disconnect()
  second.markRead(second.conversations.get()[0]!.id, 1)
  await until(first, 'read', () => first.conversations.get()[0]?.me.unread === 0)
  await until(bob, 'told', () => bob.conversations.get()[0]?.marks?.[0]?.readSeq === 1)
})

test('a tab hands over when its last write has ended, so that it writes over nothing of the next', async (t) => {
  const parley = await openParley(t)
  const annUser = await register(t, parley, 'ann')
  const steps: string[] = []
  const disk = Promise.withResolvers<void>()
  const writing = Promise.withResolvers<void>()
  const storage = (name: string): DeviceStorage => {
    const inner = indexedDbStorage('hand-over')
    return {
      ...inner,
      async write(changes) {
        const isLast = JSON.stringify(changes).includes('the last')
        if (isLast) {
          writing.resolve()
          await disk.promise
        }
        await inner.write(changes)
        steps.push(isLast ? 'the last of the first tab' : name)
      },
    }
  }
  const first = device(t, parley, { storage: storage('first') })
  await first.login({ email: annUser.email, password: PASSWORD })
  const second = device(t, parley, { storage: storage('second') })
  await second.resume()
  void first.send({ receiverId: annUser.id }, 'the last')
  await writing.promise
  const before = steps.length
  const closed = first.close()
  for (let turns = 0; turns < 50; turns++) await new Promise((turn) => setImmediate(turn))
  const early = steps.slice(before)
  disk.resolve()
  await closed
  assert.deepEqual(early, [])
})

test('what one tab has heard of a message and the tab that keeps has not is shown by the first, and kept once it leads', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = () => indexedDbStorage('changes-in-tabs')
  const first = await signIn(t, parley, annUser, { storage: storage() })
  const bob = await signIn(t, parley, bobUser)
  const { id } = await bob.openDirect(annUser.id)
  for (const text of ['one', 'two', 'three']) await bob.send({ conversationId: id }, text)
  await settled(bob)
  await until(first, 'all', () => first.conversations.get()[0]?.headSeq === 3)
  assert.deepEqual(await texts(first, id), ['one', 'two', 'three'])
  const [shows, leadsNext] = [device(t, parley, { storage: storage() }), device(t, parley, { storage: storage() })]
  for (const tab of [leadsNext, shows]) {
    await tab.resume()
    tab.connect()
    await settled(tab)
  }
  first.disconnect()
  await texts(bob, id)
  await bob.delete(bob.timeline(id).get().messages[0]!)
  await settled(bob)
  const rev = bob.conversations.get()[0]?.rev
  for (const tab of [leadsNext, shows]) await until(tab, 'the deletion', () => tab.conversations.get()[0]?.rev === rev)
  assert.deepEqual(await texts(shows, id), ['', 'two', 'three'])

  await first.close()
  for (const tab of [shows, leadsNext]) {
    await settled(tab)
    await tab.close()
  }
  const later = device(t, parley, { storage: storage() })
  await later.resume()
  const kept = await storage().list('')
  assert.doesNotMatch(JSON.stringify(kept), /"one"/)
  later.connect()
  await settled(later)
  assert.deepEqual(await texts(later, id), ['', 'two', 'three'])
})
