import assert from 'node:assert/strict'
import test from 'node:test'
import { openParley, register, settled, signIn, texts, until } from './parley.fixture.ts'

test('two people chat, and each sees how far a message got', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [ann, bob] = [await signIn(t, parley, annUser), await signIn(t, parley, bobUser)]
  const found = await ann.findUser('BOB')
  assert.equal(found?.id, bobUser.id)
  assert.equal(await ann.findUser('nobody'), undefined)
  const { id } = await ann.openDirect(bobUser.id)
  await ann.send({ conversationId: id }, 'hello')
  await until(bob, 'the message arrives', () => bob.conversations.get()[0]?.lastMessage?.text === 'hello')
  assert.equal(bob.conversations.get()[0]?.me.unread, 1)
  const status = (): string | undefined => ann.timeline(id).get().messages[0]?.status
  await until(ann, 'delivered', () => status() === 'delivered')
  bob.markRead(id, 1)
  assert.equal(bob.conversations.get()[0]?.me.unread, 0)
  await until(ann, 'read', () => status() === 'read')
  await bob.send({ receiverId: annUser.id }, 'hello to you')
  await until(ann, 'the answer', () => ann.conversations.get()[0]?.lastMessage?.text === 'hello to you')
  await Promise.all([settled(ann), settled(bob)])
  assert.deepEqual(await texts(ann, id), ['hello', 'hello to you'])
  assert.deepEqual(await texts(bob, id), ['hello', 'hello to you'])
  assert.deepEqual(
    ann
      .timeline(id)
      .get()
      .messages.map(({ sender, mine }) => [sender, mine]),
    [
      ['ann', true],
      ['bob', false],
    ],
  )
})
