import { infra } from '@parley/infra/infra'
import { contactStoreContract } from './contacts.contract.ts'
import { mongoStore } from './mongo.ts'

contactStoreContract('mongodb', 25, async () => {
  const url = await infra.mongodb()
  return () => mongoStore(url)
})
