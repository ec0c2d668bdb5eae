import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Collection, MongoClient, MongoError, MongoServerError } from 'mongodb'
import { infra } from './infra.ts'
import { mongodb } from './mongodb.ts'

interface Item {
  _id: number
  group: number
}

async function collection(t: TestContext, url: string): Promise<Collection<Item>> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 10_000 })
  t.after(() => client.close())
  return client.db().collection<Item>('items')
}

const items = (count: number): Item[] => Array.from({ length: count }, (_, i) => ({ _id: i, group: i % 3 }))

test('two tests that ask for a database do not see what the other wrote', async (t) => {
  const [one, two] = [await collection(t, await infra.mongodb()), await collection(t, await infra.mongodb())]
  await one.insertOne({ _id: 1, group: 1 })
  assert.equal(await one.countDocuments(), 1)
  assert.equal(await two.countDocuments(), 0)
})

test('a long result comes whole, page by page', async (t) => {
  const all = await collection(t, await infra.mongodb())
  await all.insertMany(items(1_000))
  const read = await all.find({}, { batchSize: 64 }).sort({ _id: 1 }).toArray()
  assert.deepEqual(read, items(1_000))
  const counted = await all
    .aggregate([{ $group: { _id: '$group', count: { $sum: 1 } } }, { $sort: { _id: 1 } }])
    .toArray()
  assert.deepEqual(
    counted.map(({ count }) => Number(count)),
    [334, 333, 333],
  )
})

test('questions that are alike but for their last words are answered one after another, each as it was asked', async (t) => {
  const url = await infra.mongodb()
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 10_000 })
  t.after(() => client.close())
  const db = client.db()
  await db.collection<Item>('items').insertOne({ _id: 1, group: 1 })
  for (let n = 0; n < 2; n++) {
    const indexes = await db.collection('items').listIndexes().toArray()
    assert.deepEqual(
      indexes.map(({ name }) => name),
      ['_id_'],
    )
    const collections = await db.listCollections().toArray()
    assert.deepEqual(
      collections.map(({ name }) => name),
      ['items'],
    )
  }
})

test('many long results that are read at once come whole, each of them', async (t) => {
  const all = await collection(t, await infra.mongodb())
  await all.insertMany(items(300))
  const first = { sort: { _id: 1 }, limit: 250 } as const
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 5; n++) assert.deepEqual(await all.find({}, first).toArray(), items(250))
    }),
  )
})

test('of many writers that want the same unique key one gets it, and the others are told which index was in the way', async (t) => {
  const all = await collection(t, await infra.mongodb())
  await all.createIndex({ group: 1 }, { unique: true, name: 'one_per_group' })
  const tries = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => all.insertOne({ _id: i, group: 7 })))
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const each of tries) {
    if (each.status === 'fulfilled') continue
    assert.ok(each.reason instanceof MongoServerError)
    assert.equal(each.reason.code, 11_000)
    assert.match(each.reason.message, /E11000.*one_per_group/)
  }
})

test('an ordered batch stops at the first duplicate, and what came before it stays', async (t) => {
  const all = await collection(t, await infra.mongodb())
  await all.insertOne({ _id: 3, group: 0 })
  await assert.rejects(all.insertMany(items(6), { ordered: true }), { code: 11_000 })
  const ids = (await all.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id)
  assert.deepEqual(ids, [0, 1, 2, 3])
})

test('nothing that was acknowledged is lost when the server is killed while it writes, three times over', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'parley-mongodb-'))
  await using server = await mongodb(dir, console.error)
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  await server.start()
  const all = await collection(t, server.url)
  const acknowledged: number[] = []
  let next = 0
  for (let round = 0; round < 3; round++) {
    const enough = acknowledged.length + 200
    const reached = Promise.withResolvers<void>()
    const write = async () => {
      for (;;) {
        const id = next++
        await all.insertOne({ _id: id, group: round }, { writeConcern: { w: 'majority', j: true } })
        acknowledged.push(id)
        if (acknowledged.length === enough) reached.resolve()
      }
    }
    const over = Promise.allSettled([write(), write(), write(), write()])
    await reached.promise
    await server.kill()
    for (const each of await over) assert.ok(each.status === 'rejected' && each.reason instanceof MongoError)
    await server.start()
    const stored = new Set((await all.find().toArray()).map(({ _id }) => _id))
    assert.deepEqual(
      acknowledged.filter((id) => !stored.has(id)),
      [],
    )
  }
})
