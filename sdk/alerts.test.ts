import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { AlertItem, AlertPage } from '@parley/protocol/alert'
import { openAlerts } from './alerts.ts'
import { unavailable } from './error.ts'
import { openParley, register, settled, signIn } from './parley.fixture.ts'
import type { AlertsView, ParleyClient } from './types.ts'

test('an alert reaches all devices at once, and is read on all when it is on one', async (t) => {
  const { ben, phone, laptop, anns, group } = await two(t)
  const told: string[] = []
  phone.on('alert', ({ kind }) => told.push(kind))
  await anns.send({ conversationId: group }, 'Well, @ben?')
  for (const device of [phone, laptop]) await shows(device, ({ items }) => items[0]?.kind === 'mention')
  const [mention, added] = phone.alerts.get().items
  assert.deepEqual([mention?.seq, mention?.conversationId, mention?.actors[0]?.username], [1, group, 'ann'])
  assert.deepEqual([phone.alerts.get().unread, added?.kind], [2, 'group.added'])
  await phone.alerts.markRead([mention!.id])
  assert.equal(phone.alerts.get().unread, 1)
  await shows(laptop, ({ unread, items }) => unread === 1 && items[0]?.read === true)
  await laptop.alerts.markRead()
  for (const device of [phone, laptop])
    await shows(device, ({ unread, items }) => unread === 0 && items.every(({ read }) => read))
  assert.deepEqual(told, ['mention'])
  assert.ok(ben)
})

test('what names one is read with the message', async (t) => {
  const { phone, laptop, anns, group } = await two(t)
  await laptop.alerts.markRead()
  await anns.send({ conversationId: group }, '@ben')
  for (const device of [phone, laptop]) await shows(device, ({ unread }) => unread === 1)
  await settled(phone)
  phone.markRead(group, 1)
  for (const device of [phone, laptop]) await shows(device, ({ unread }) => unread === 0)
})

test('a device that was away has what came meanwhile, page by page, and nothing of it after signing out', async (t) => {
  const { phone, laptop, anns, group } = await two(t)
  phone.disconnect()
  for (let i = 0; i < 40; i++) await anns.send({ conversationId: group }, `@ben ${i}`)
  await shows(laptop, ({ unread }) => unread === 41)
  phone.connect()
  await shows(phone, ({ unread, more }) => unread === 41 && more)
  await phone.alerts.loadMore()
  const { items, more } = phone.alerts.get()
  assert.deepEqual([items.length, more, items.at(-1)?.kind], [42, false, 'session.started'])
  assert.deepEqual(
    new Set(items.slice(0, 40).map(({ seq }) => seq)),
    new Set(Array.from({ length: 40 }, (_, i) => i + 1)),
  )
  await phone.logout()
  assert.deepEqual(phone.alerts.get(), { loaded: false, items: [], unread: 0, more: false })
})

test('what could not be read is read again while connected, and what may have gone is looked for', async () => {
  let refusals = 0
  let [rev, ids] = [1, ['a', 'b']]
  const asked: string[] = []
  const { view, up, hinted, heard } = openAlerts({
    async send({ method, path }) {
      asked.push(`${method} ${path}`)
      if (refusals-- > 0) throw unavailable('away')
      return { items: ids.map(alert), unread: ids.length, rev } satisfies AlertPage
    },
    told: () => {},
    readSeq: () => undefined,
  })
  const shows = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (view.get().loaded && view.get().items.length === count) resolve()
      }
      view.subscribe(look)
      look()
    })
  const connection = new AbortController()
  hinted()
  assert.deepEqual(asked, [], 'nothing is read before it is wanted')
  refusals = 2
  up(connection.signal)
  await assert.rejects(view.load())
  hinted()
  await shows(2)
  assert.equal(asked.length, 3)
  ids = ['b']
  heard({ rev: 1, unread: 1 })
  await shows(1)
  ;[rev, ids] = [2, []]
  hinted()
  await shows(0)
  const before = asked.length
  refusals = 1
  hinted()
  connection.abort()
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(asked.length, before + 1, 'the next connection reads')
})

const alert = (id: string): AlertItem => ({
  ...{ id, kind: 'mention', at: '2026-01-01T00:00:00.000Z', read: false },
  ...{ actors: [], actorCount: 0 },
})

/** Ann, and Ben with two devices that know his alerts, in a group to which Ann has added him. */
async function two(t: TestContext) {
  const parley = await openParley(t, { PUSH_HOSTS: '127.0.0.1:9' })
  const [ann, ben] = [await register(t, parley, 'ann'), await register(t, parley, 'ben')]
  const anns = await signIn(t, parley, ann)
  const [phone, laptop] = [await signIn(t, parley, ben), await signIn(t, parley, ben)]
  const { id: group } = await anns.createGroup('Tea', [ben.id])
  await phone.alerts.load()
  await shows(phone, ({ unread }) => unread === 2)
  await phone.alerts.markRead(
    phone.alerts.get().items.flatMap(({ id, kind }) => (kind === 'session.started' ? [id] : [])),
  )
  await laptop.alerts.load()
  for (const device of [phone, laptop]) await shows(device, ({ unread }) => unread === 1)
  return { ben, phone, laptop, anns, group }
}

/** Resolves when the device's alerts are so; rejects after 20 s. */
async function shows(device: ParleyClient, holds: (view: AlertsView) => boolean): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = (): void => {
    if (holds(device.alerts.get())) done.resolve()
  }
  const stop = device.alerts.subscribe(look)
  const late = setTimeout(() => done.reject(new Error(`shows ${JSON.stringify(device.alerts.get())}`)), 20_000)
  look()
  await done.promise.finally(() => {
    clearTimeout(late)
    stop()
  })
}
