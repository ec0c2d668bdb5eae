import { infra } from '@parley/infra/infra'
import { mongoStore } from './mongo.ts'
import { profileStoreContract } from './profiles.contract.ts'

profileStoreContract('mongodb', async () => {
  const url = await infra.mongodb()
  return () => mongoStore(url)
})
