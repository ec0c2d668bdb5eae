import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { testChat } from '../chat.fixture.ts'
import { mongoStore } from '../store/mongo.ts'
import { testUsers } from '../users.fixture.ts'
import { invitesHold } from './invites.model.ts'

const UNBOUNDED = { readsPerSecond: 1e6, readBurst: 1e6, inviteLooksPerSecond: 1e6, inviteLookBurst: 1e6 }

test('on two nodes that share MongoDB invites let in whom they may, and no more, too', async (t) => {
  const address = await infra.mongodb()
  const [users, contentKey] = [testUsers(), createSecretKey(randomBytes(32))]
  const open = async () => {
    const store = await mongoStore(address)
    t.after(() => store[Symbol.asyncDispose]())
    return testChat(t, { users, contentKey, limits: UNBOUNDED, store: () => store })
  }
  await invitesHold([await open(), await open()], 12)
})
