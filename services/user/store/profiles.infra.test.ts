import { infra } from '@parley/infra/infra'
import { mongoStore } from './mongo.ts'
import { profileOfNobodyContract, profileStoreContract } from './profiles.contract.ts'

for (const contract of [profileStoreContract, profileOfNobodyContract])
  contract('mongodb', async () => {
    const url = await infra.mongodb()
    return () => mongoStore(url)
  })
