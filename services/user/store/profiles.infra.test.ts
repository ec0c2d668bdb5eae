import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { NEW_PROFILE } from '@parley/protocol/profile'
import { MongoClient } from 'mongodb'
import { mongoStore } from './mongo.ts'
import { profileOfNobodyContract, profileStoreContract } from './profiles.contract.ts'

for (const contract of [profileStoreContract, profileOfNobodyContract])
  contract('mongodb', async () => {
    const url = await infra.mongodb()
    return () => mongoStore(url)
  })

test('mongodb: display names of before there were words are found, and those whose writer died before the words', async (t) => {
  const url = await infra.mongodb()
  const client = await new MongoClient(url).connect()
  t.after(() => client.close())
  const [old, cut] = [randomUUID(), randomUUID()]
  const kept = { ...NEW_PROFILE, rev: 1, viewRevs: { friend: 1, other: 1 }, toldRev: 0, untold: true }
  const profiles = client.db().collection<{ _id: string }>('profiles')
  await profiles.insertOne({ _id: old, ...kept, displayName: 'Olga Old' } as { _id: string })
  await using store = await mongoStore(url)
  assert.deepEqual(await store.profiles.named('ol', undefined, 5), [
    { word: 'old', userId: old },
    { word: 'olga', userId: old },
  ])
  await profiles.insertOne({ _id: cut, ...kept, displayName: 'Cut', worded: true } as { _id: string })
  assert.deepEqual(await store.profiles.named('cut', undefined, 5), [])
  await store.profiles.told([{ userId: cut, rev: 1 }])
  assert.deepEqual(await store.profiles.named('cut', undefined, 5), [{ word: 'cut', userId: cut }])
})
