import assert from 'node:assert/strict'
import test from 'node:test'
import { memoryStorage } from './memory.ts'
import { openParley, register, signIn, until } from './parley.fixture.ts'

test('a message is not said to be delivered before it is on the disk', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const ann = await signIn(t, parley, annUser)
  const inner = memoryStorage()
  // A disk that writes nothing of the second message before it is told to.
  const disk = Promise.withResolvers<void>()
  const firstWritten = Promise.withResolvers<void>()
  t.after(() => {
    disk.resolve()
    firstWritten.resolve()
  })
  const storage = {
    ...inner,
    async write(changes: Parameters<typeof inner.write>[0]) {
      const has = (text: string): boolean => JSON.stringify(changes).includes(`"text":"${text}"`)
      if (has('two')) await disk.promise
      else if (has('one')) await firstWritten.promise
      await inner.write(changes)
    },
  }
  const bob = await signIn(t, parley, bobUser, { storage })
  const { id } = await ann.openDirect(bobUser.id)
  const hidden = await bob.openDirect(annUser.id)
  assert.equal(hidden.id, id)
  const head = (): number => bob.conversations.get().find((one) => one.id === id)?.headSeq ?? 0
  const delivered = (): number =>
    ann.conversations
      .get()
      .find((one) => one.id === id)
      ?.marks?.find(({ userId }) => userId === bobUser.id)?.deliveredSeq ?? 0
  await ann.send({ conversationId: id }, 'one')
  await until(bob, 'the first shows', () => head() === 1)
  await ann.send({ conversationId: id }, 'two')
  await until(bob, 'the second shows', () => head() === 2)
  // The first is on the disk, the second only in memory.
  firstWritten.resolve()
  await until(ann, 'a receipt', () => delivered() > 0)
  assert.equal(delivered(), 1)
  disk.resolve()
  await until(ann, 'both delivered', () => delivered() === 2)
})
