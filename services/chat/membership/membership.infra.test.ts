import { test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { testChat } from '../chat.fixture.ts'
import { mongoStore } from '../store/mongo.ts'
import { testUsers } from '../users.fixture.ts'
import { membershipHolds } from './membership.model.ts'

const UNBOUNDED = { readsPerSecond: 1e6, readBurst: 1e6, sendsPerSecond: 1e6, sendBurst: 1e6 }

test('on two nodes that share MongoDB members come and go in one legal sequence, too', async (t) => {
  const address = await infra.mongodb()
  const users = testUsers()
  const open = async () => {
    const store = await mongoStore(address)
    t.after(() => store[Symbol.asyncDispose]())
    return testChat(t, { users, limits: UNBOUNDED, store: () => store })
  }
  await membershipHolds([await open(), await open()], 12)
})
