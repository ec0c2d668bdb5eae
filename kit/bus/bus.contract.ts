import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BusEvent } from '@parley/protocol/events'
import { Fault } from '../fault.ts'
import {
  type Arrivals,
  arrivals,
  controlAppended,
  publishForSure,
  type Registered,
  registered,
} from './arrivals.fixture.ts'
import type { Bus, Deliveries, Delivery } from './bus.ts'

/** One bus and the processes on it. */
export interface BusSpace {
  /** One more process: its bus, already up. Embedded there is but one process, and so one bus. */
  join(): Promise<Bus>
}

/** What every bus promises. `open` makes an empty one, and closes it when the test ends. */
export function busContract(name: string, open: (t: TestContext) => Promise<BusSpace>): void {
  test(`${name}: a subscription gets a published event as it was`, async (t) => {
    const bus = await (await open(t)).join()
    const taken = await taking(bus)
    const event = registered('ÄnnΩ 🙂')
    await bus.publish(event)
    await taken.until('the event', (events) => events.length > 0)
    assert.deepEqual(taken.items[0], event)
  })

  test(`${name}: an event that is published before anybody subscribes is not lost`, async (t) => {
    const bus = await (await open(t)).join()
    const event = registered()
    const published = publishForSure(bus, event)
    const taken = await taking(bus)
    await published
    await taken.until('the early event', (events) => events.some(({ id }) => id === event.id))
  })

  test(`${name}: the consumers of a subscription share its events, and together get all`, async (t) => {
    const space = await open(t)
    const [one, two] = [await space.join(), await space.join()]
    const taken = arrivals<string>()
    const shares = [0, 0]
    for (const [index, bus] of [one, two].entries()) {
      await bus.subscribe('chat.users', async (event) => {
        shares[index]!++
        taken.add(event.id)
      })
    }
    const events = Array.from({ length: 100 }, () => registered())
    await Promise.all(events.map((event) => publishForSure(one, event)))
    await taken.until('all events', (ids) => new Set(ids).size === events.length)
    assert.equal(taken.items.length, events.length, 'each went to one of them')
    assert.ok(shares[0]! > 0 && shares[1]! > 0, `both took some: ${shares}`)
  })

  test(`${name}: a refused event comes again, and does not hold up others`, async (t) => {
    const bus = await (await open(t)).join()
    const sick = registered('sick')
    const done = arrivals<string>()
    let refusals = 0
    await bus.subscribe('chat.users', async ({ id }) => {
      if (id === sick.id && ++refusals < 3) throw new Error('not yet')
      done.add(id)
    })
    const published = publishForSure(bus, sick)
    const others = Array.from({ length: 20 }, () => registered())
    await Promise.all(others.map((event) => publishForSure(bus, event)))
    await done.until('the others', (ids) => others.every(({ id }) => ids.includes(id)))
    await published
    await done.until('the sick one', (ids) => ids.includes(sick.id), 20_000)
    assert.equal(refusals, 3)
  })

  test(`${name}: an event that is none of its kind is offered once, and does not hold up others`, async (t) => {
    const bus = await (await open(t)).join()
    const poison = registered('poison')
    const tries = arrivals<string>()
    const done = arrivals<string>()
    await bus.subscribe('chat.users', async ({ id }) => {
      if (id !== poison.id) return done.add(id)
      tries.add(id)
      throw new Fault('validation.failed', 'It has no user')
    })
    await publishForSure(bus, poison)
    await tries.until('the poison', (ids) => ids.length > 0)
    const others = Array.from({ length: 20 }, () => registered())
    await Promise.all(others.map((event) => publishForSure(bus, event)))
    await done.until('the others', (ids) => others.every(({ id }) => ids.includes(id)))
    assert.deepEqual(tries.items, [poison.id])
  })

  test(`${name}: events of a subscription wait while its consumer is away`, async (t) => {
    const bus = await (await open(t)).join()
    const first = arrivals<string>()
    const consumer = await bus.subscribe('chat.users', async ({ id }) => first.add(id))
    const before = registered()
    await publishForSure(bus, before)
    await first.until('the first event', (ids) => ids.includes(before.id))
    await consumer[Symbol.asyncDispose]()

    const meanwhile = registered()
    const published = publishForSure(bus, meanwhile)
    const second = await taking(bus)
    await published
    await second.until('the event in between', (events) => events.some(({ id }) => id === meanwhile.id))
    assert.deepEqual(first.items, [before.id])
  })

  test(`${name}: closing a consumer waits for the event it is at`, async (t) => {
    const bus = await (await open(t)).join()
    const begun = arrivals<string>()
    const { promise: go, resolve: finish } = Promise.withResolvers<void>()
    let finished = false
    const consumer = await bus.subscribe('chat.users', async ({ id }) => {
      begun.add(id)
      await go
      finished = true
    })
    const published = publishForSure(bus, registered())
    await begun.until('the handler to begin', (ids) => ids.length > 0)
    const closed = consumer[Symbol.asyncDispose]().then(() => assert.ok(finished))
    finish()
    await closed
    await published
  })

  test(`${name}: everybody who listens hears the types asked for`, async (t) => {
    const space = await open(t)
    const [one, two] = [await space.join(), await space.join()]
    const heard = [arrivals<BusEvent>(), arrivals<BusEvent>(), arrivals<BusEvent>()]
    await one.listen(['control.appended'], (event) => heard[0]!.add(event))
    await two.listen(['control.appended', 'user.registered'], (event) => heard[1]!.add(event))
    await two.listen(['messages.created'], (event) => heard[2]!.add(event))
    await taking(one)
    const [control, user] = [controlAppended(7), registered()]
    await publishForSure(one, user)
    await publishForSure(one, control)
    for (const each of heard.slice(0, 2))
      await each.until('the control event', (all) => all.some((e) => e.id === control.id))
    assert.deepEqual(heard[0]!.items, [control])
    assert.deepEqual(heard[1]!.items, [user, control])
    assert.deepEqual(heard[2]!.items, [])
  })

  test(`${name}: an event that nobody listens to is published all the same`, async (t) => {
    const bus = await (await open(t)).join()
    await bus.publish(controlAppended(1))
  })

  test(`${name}: who has stopped listening hears nothing more`, async (t) => {
    const bus = await (await open(t)).join()
    const [stays, leaves] = [arrivals<string>(), arrivals<string>()]
    await bus.listen(['control.appended'], ({ id }) => stays.add(id))
    const listening = await bus.listen(['control.appended'], ({ id }) => leaves.add(id))
    const [first, second] = [controlAppended(1), controlAppended(2)]
    await bus.publish(first)
    await leaves.until('the first event', (ids) => ids.includes(first.id))
    await listening[Symbol.asyncDispose]()
    await bus.publish(second)
    await stays.until('the second event', (ids) => ids.includes(second.id))
    assert.deepEqual(leaves.items, [first.id])
  })

  test(`${name}: a listener that throws harms nobody`, async (t) => {
    const bus = await (await open(t)).join()
    const heard = arrivals<string>()
    await bus.listen(['control.appended'], () => {
      throw new Error('broken listener')
    })
    await bus.listen(['control.appended'], ({ id }) => heard.add(id))
    const [first, second] = [controlAppended(1), controlAppended(2)]
    await bus.publish(first)
    await bus.publish(second)
    await heard.until('both', (ids) => ids.length === 2)
  })

  test(`${name}: a delivery reaches the nodes of its partitions, once, and not its sender`, async (t) => {
    const [ann, bob, eve] = await threeNodes(await open(t))
    for (const partition of [1, 2]) await ann.box.bind(partition)
    for (const partition of [1, 2, 255]) await bob.box.bind(partition)
    await eve.box.bind(3)
    const body = Buffer.from([0, 255, 1, 254, 10])
    ann.box.publish({ partitions: [1, 2, 255], body })
    ann.box.publish({ partitions: [3], body: Buffer.alloc(50_000, 'x') })
    await bob.got.until('the delivery', (all) => all.length > 0)
    await eve.got.until('the other delivery', (all) => all.length > 0)
    bob.box.publish({ partitions: [1], body: Buffer.from('end') })
    await ann.got.until('the last delivery', (all) => all.length > 0)
    assert.deepEqual(bob.got.items, [{ partitions: [1, 2, 255], body }])
    assert.deepEqual(eve.got.items, [{ partitions: [3], body: Buffer.alloc(50_000, 'x') }])
    assert.deepEqual(ann.got.items, [{ partitions: [1], body: Buffer.from('end') }])
  })

  test(`${name}: a node is not alone while there is another`, async (t) => {
    const [ann, bob, eve] = await threeNodes(await open(t))
    for (const { box } of [ann, bob, eve]) assert.equal(box.alone(), false)
  })

  test(`${name}: when a node has lost a delivery all nodes are told that news may have passed them by, once`, async (t) => {
    const nodes = await threeNodes(await open(t))
    const told = nodes.map(({ bus }) => {
      const states = arrivals<string>()
      const watch = bus.onState((state) => states.add(state))
      t.after(() => watch[Symbol.dispose]())
      return states
    })
    for (let n = 0; n < 100; n++) nodes[0]!.box.lost()
    for (const states of told) await states.until('word of the loss', (all) => all.length > 0)
    assert.deepEqual(
      told.map(({ items }) => items),
      [['up'], ['up'], ['up']],
    )
  })

  test(`${name}: a delivery to very many partitions reaches each of their nodes once`, async (t) => {
    const [ann, bob, eve] = await threeNodes(await open(t))
    await bob.box.bind(0)
    await bob.box.bind(100)
    await eve.box.bind(199)
    const partitions = Array.from({ length: 200 }, (_, index) => index)
    ann.box.publish({ partitions, body: Buffer.from('all') })
    ann.box.publish({ partitions: [0, 199], body: Buffer.from('end') })
    for (const { got } of [bob, eve]) {
      await got.until('both deliveries', (all) => all.length >= 2)
      assert.deepEqual(got.items[0], { partitions, body: Buffer.from('all') })
      assert.deepEqual(got.items[1], { partitions: [0, 199], body: Buffer.from('end') })
    }
  })

  test(`${name}: a node that has left a partition soon gets nothing of it`, async (t) => {
    const [ann, bob, eve] = await threeNodes(await open(t))
    for (const node of [bob, eve]) for (const partition of [9, 10]) await node.box.bind(partition)
    ann.box.publish({ partitions: [9], body: Buffer.from('both') })
    for (const { got } of [bob, eve]) await got.until('the first', (all) => all.length === 1)
    eve.box.unbind(9)
    await eve.box.bind(11) // answered after the unbinding
    ann.box.publish({ partitions: [9], body: Buffer.from('bob only') })
    ann.box.publish({ partitions: [10], body: Buffer.from('end') })
    await bob.got.until('all three', (all) => all.length === 3)
    await eve.got.until('the last', (all) => all.at(-1)?.body.toString() === 'end')
    assert.deepEqual(
      eve.got.items.map(({ body }) => body.toString()),
      ['both', 'end'],
    )
  })

  test(`${name}: a closed mailbox gets nothing`, async (t) => {
    const [ann, bob, eve] = await threeNodes(await open(t))
    for (const node of [bob, eve]) await node.box.bind(5)
    ann.box.publish({ partitions: [5], body: Buffer.from('one') })
    for (const { got } of [bob, eve]) await got.until('the first', (all) => all.length === 1)
    await eve.box[Symbol.asyncDispose]()
    ann.box.publish({ partitions: [5], body: Buffer.from('two') })
    await bob.got.until('the second', (all) => all.length === 2)
    assert.equal(eve.got.items.length, 1)
  })

  test(`${name}: a closed bus refuses to publish, and says that it is worth trying again`, async (t) => {
    const bus = await (await open(t)).join()
    await bus.publish(controlAppended(1))
    await bus[Symbol.asyncDispose]()
    await assert.rejects(bus.publish(controlAppended(2)), { code: 'unavailable' })
  })
}

async function taking(bus: Bus): Promise<Arrivals<Registered>> {
  const taken = arrivals<Registered>()
  await bus.subscribe('chat.users', async (event) => {
    if (event.type === 'user.registered') taken.add(event)
  })
  return taken
}

interface Node {
  bus: Bus
  box: Deliveries
  got: Arrivals<Delivery>
}

async function threeNodes(space: BusSpace): Promise<[Node, Node, Node]> {
  const node = async (): Promise<Node> => {
    const got = arrivals<Delivery>()
    const bus = await space.join()
    return { bus, got, box: await bus.openDeliveries((delivery) => got.add(delivery)) }
  }
  return [await node(), await node(), await node()]
}
