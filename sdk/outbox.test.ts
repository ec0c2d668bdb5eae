import assert from 'node:assert/strict'
import test from 'node:test'
import { deviceError } from './error.ts'
import { openKeeper } from './keeper.ts'
import { memoryStorage } from './memory.ts'
import { openOutbox } from './outbox.ts'

test('what is refused because the session is over is kept for the next one, and not given up', async (t) => {
  const storage = memoryStorage()
  const keeper = openKeeper(storage)
  const asked = Promise.withResolvers<void>()
  const refused: unknown[] = []
  const outbox = openOutbox({
    userId: 'ann',
    storage,
    keeper,
    leads: () => true,
    target: (to) => ('conversationId' in to ? to.conversationId : to.receiverId),
    post: () => {},
    async amend() {
      asked.resolve()
      throw deviceError('auth.invalid', 'The session is over: log in')
    },
    find: async () => undefined,
    hooks: { amended: () => {}, acked: () => {}, refused: (item) => refused.push(item), changed: () => {} },
  })
  t.after(() => outbox.stop())
  const call = () => Promise.reject(new Error('nothing is said by the socket'))
  outbox.up({ gone: new AbortController().signal, serverTime: '', cut: () => {}, call })
  const item = await outbox.change({ conversationId: 'c', id: 'm', seq: 1 }, { kind: 'edit', text: 'hello' })
  await asked.promise
  await keeper.flush()
  outbox.stop()
  assert.deepEqual([outbox.items(), refused], [[item], []])
  assert.deepEqual(await storage.list('ann/outbox/'), [[`ann/outbox/${item.id}`, item]])
})
