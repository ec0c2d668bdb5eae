import type { TestContext } from 'node:test'
import { infra } from '@parley/infra/infra'
import { LIMITS } from '@parley/protocol/limits'
import { type CommandSent, explainReads } from './mongo/explain.fixture.ts'
import { gramsIn, untilIndexed } from './mongo/search.fixture.ts'
import { type MongoOptions, mongoStore } from './mongo.ts'
import { chatStoreContract, type OpenedStore, type OpenOptions } from './store.contract.ts'

chatStoreContract('mongo', openMongo)

async function openMongo(t: TestContext, { appendQueue, leaseMs }: OpenOptions = {}): Promise<OpenedStore> {
  const address = await infra.mongodb()
  const sent: CommandSent[] = []
  const options: MongoOptions = {
    limits: { ...LIMITS, appendQueue: appendQueue ?? LIMITS.appendQueue },
    ...(leaseMs && { leaseMs }),
    onCommand: (name, command) => sent.push({ name, command }),
  }
  await using opening = new AsyncDisposableStack()
  let store = opening.use(await mongoStore(address, options))
  const others = opening.move()
  t.after(() => others.disposeAsync())
  return {
    store,
    async reopen() {
      await store[Symbol.asyncDispose]()
      store = others.use(await mongoStore(address, options))
      return store
    },
    another: async () => others.use(await mongoStore(address, options)),
    child: { module: new URL('mongo.ts', import.meta.url).href, factory: 'mongoStore', address },
    explainReads: async () => explainReads(address, sent),
    indexed: () => untilIndexed(address),
    isIndexed: async (gram) => (await gramsIn(address)).includes(gram),
  }
}
