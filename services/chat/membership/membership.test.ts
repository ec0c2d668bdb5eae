import { test } from 'node:test'
import { testChat } from '../chat.fixture.ts'
import { membershipHolds } from './membership.model.ts'

const UNBOUNDED = { readsPerSecond: 1e6, readBurst: 1e6, sendsPerSecond: 1e6, sendBurst: 1e6 }

test('whatever members ask for at once, the group goes through one legal sequence, and each sees their window', async (t) => {
  await membershipHolds([await testChat(t, { limits: UNBOUNDED })], 40)
})
