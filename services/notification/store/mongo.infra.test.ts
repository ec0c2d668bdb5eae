import { infra } from '@parley/infra/infra'
import { mongoStore } from './mongo.ts'
import { notificationStoreContract } from './store.contract.ts'

notificationStoreContract('mongodb', 10, async () => {
  const url = await infra.mongodb()
  return () => mongoStore(url)
})
