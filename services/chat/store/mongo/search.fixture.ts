import { MongoClient } from 'mongodb'
import { until } from '../contract/world.ts'
import { collectionsOf } from './collections.ts'

/** Waits until the index has every entry that is in the log now. */
export async function untilIndexed(address: string): Promise<void> {
  await using client = new MongoClient(address)
  const { log, searched } = collectionsOf(client.db())
  const heads = new Map<string, number>()
  for await (const { conversationId, rev } of log.find({}, { projection: { conversationId: 1, rev: 1 } }))
    heads.set(conversationId, Math.max(rev, heads.get(conversationId) ?? 0))
  await until(async () => {
    const known = new Map((await searched.find().toArray()).map(({ _id, rev }) => [_id, rev ?? 0]))
    return [...heads].every(([id, rev]) => (known.get(id) ?? 0) >= rev)
  }, 20_000)
}

/** Every gram in it. */
export async function gramsIn(address: string): Promise<string[]> {
  await using client = new MongoClient(address)
  const documents = await collectionsOf(client.db()).search.find().toArray()
  return [...new Set(documents.flatMap(({ grams }) => grams))]
}
