import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Fault } from '@parley/kit/fault'
import { type FragileBus, fragileBus } from './bus.fixture.ts'
import { testChat } from './chat.fixture.ts'

async function twoNodes(t: TestContext) {
  const links: FragileBus[] = []
  const chat = await testChat(t, {
    nodes: 2,
    bus(bus) {
      const link = fragileBus(bus)
      links.push(link)
      return link
    },
  })
  const each = (act: 'cut' | 'mend') => () => {
    for (const link of links) link[act]()
  }
  return { chat, cut: each('cut'), mend: each('mend') }
}

test('while the bus is away sends are acknowledged as ever, and devices on other nodes are told to sync', async (t) => {
  const { chat, cut, mend } = await twoNodes(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob, { node: 1 })]
  const say = (text: string) => anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text })
  await say('before')
  await bobs.next('message.new')
  const { cursor } = (await bobs.ask('sync', {})).data
  cut()
  assert.equal((await say('meanwhile')).ok, true)
  const ready = (await (await fetch(`${chat.nodes[0]!.url}/readyz`)).json()) as { status: string }
  assert.equal(ready.status, 'degraded')
  let synced: { data: { items: { lastMessage: { text: string } }[] } } | undefined
  do {
    await bobs.next('sync.hint')
    synced = await bobs.ask('sync', { cursor })
  } while (synced?.data.items.length === 0)
  assert.equal(synced?.data.items[0]?.lastMessage.text, 'meanwhile')
  mend()
  await bobs.next('sync.hint')
  await anns.next('sync.hint')
  await say('after')
  let last: string
  do last = (await bobs.next('message.new')).text
  while (last === 'meanwhile') // Told again, since a node may have missed it.
  assert.equal(last, 'after')
})

test('a member removed while the bus is away hears nothing more on any node, then and after', async (t) => {
  const { chat, cut, mend } = await twoNodes(t)
  const [ann, bob, cleo] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('cleo')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: [bob.id, cleo.id],
  })
  const [bobs, cleos] = [await chat.device(bob, { node: 1 }), await chat.device(cleo, { node: 1 })]
  const anns = await chat.device(ann)
  await cleos.ask('message.send', { id: randomUUID(), conversationId: group.id, text: 'all here' })
  for (const device of [anns, bobs]) await device.next('message.new')
  cut()
  await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)
  const hears = () => bobs.told().filter(({ event, data }) => event !== 'sync.hint' && !data.gone)
  await cleos.ask('typing.start', { conversationId: group.id })
  await cleos.ask('receipt.read', { conversationId: group.id, upToSeq: 1 })
  assert.equal((await bobs.ask('sync', { conversationId: group.id, rev: 0 })).error.code, 'not_found')
  mend()
  await cleos.ask('message.send', { id: randomUUID(), conversationId: group.id, text: 'without him' })
  assert.equal((await anns.next('message.new')).text, 'without him')
  await bobs.next('conversation.updated')
  await cleos.ask('sync', {})
  assert.deepEqual(hears(), [])
})

test('what a node could not tell the others while its own link was cut, it tells them afterwards', async (t) => {
  const links: FragileBus[] = []
  const chat = await testChat(t, {
    nodes: 2,
    bus(bus) {
      const link = fragileBus(bus)
      links.push(link)
      // Both nodes of this test share one outbox: only the first relays.
      if (links.length === 2) link.publish = () => Promise.reject(new Fault('unavailable', 'Not here'))
      return link
    },
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob, { node: 1 })]
  const say = (text: string) => anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text })
  await say('before')
  assert.equal((await bobs.next('message.new')).text, 'before')
  links[0]!.cut()
  assert.equal((await say('meanwhile')).ok, true)
  assert.equal((await say('and then')).ok, true)
  links[0]!.mend()
  assert.equal((await bobs.next('message.new')).text, 'and then', 'from which the device knows what to fetch')
})

test('what a dead node left is told once, however long the bus is away', async (t) => {
  let looks = 0
  const chat = await testChat(t, {
    bus: (bus) => {
      const link = fragileBus(bus)
      link.cut()
      return link
    },
    store: (store) => ({
      ...store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      log: {
        ...store.log,
        async pending(limit, watchedMs) {
          if (watchedMs === undefined) return []
          looks++
          return store.log.pending(limit)
        },
      },
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'left behind' })
  const before = looks
  while (looks < before + 3) await new Promise((resolve) => setTimeout(resolve, 50))
  await bobs.ask('sync', {})
  const heard = bobs.told().filter(({ event }) => event === 'message.new')
  assert.equal(heard.length, 2, 'by its sender, and once more by who found it')
})

test('when it cannot be read who is a member, what was lost is found: devices on all nodes are told to sync', async (t) => {
  let failing = false
  const chat = await testChat(t, {
    nodes: 2,
    store: (store) => ({
      ...store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      log: {
        ...store.log,
        // Asked so where it is told who may hear something.
        cachedConversation: (id, membersRev) =>
          failing && membersRev !== undefined
            ? Promise.reject(new Fault('unavailable', 'The store is away'))
            : store.log.cachedConversation(id, membersRev),
      },
    }),
  })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob, { node: 1 })]
  failing = true
  await chat.request(ann, 'PATCH', `/api/conversations/${group.id}`, { title: 'Lost' })
  failing = false
  for (const device of [anns, bobs]) await device.next('sync.hint')
  const { data } = await bobs.ask('sync', {})
  assert.equal(data.items[0].title, 'Lost')
})
