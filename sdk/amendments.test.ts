import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { fileStorage } from './file.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, register, settled, signIn, texts, until } from './parley.fixture.ts'
import type { DeviceStorage, OutboxItem, ParleyClient, TimelineMessage } from './types.ts'

async function couple(t: TestContext) {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [ann, bob] = [await signIn(t, parley, annUser), await signIn(t, parley, bobUser)]
  const { id } = await ann.openDirect(bobUser.id)
  await bob.openDirect(annUser.id)
  return { parley, annUser, bobUser, ann, bob, id }
}

const messages = (client: ParleyClient, id: string): readonly TimelineMessage[] => client.timeline(id).get().messages

/** What is shown, without what the seer is. */
const shown = (client: ParleyClient, id: string): object[] =>
  messages(client, id).map(({ seq, text, edits, deleted, reactions, changedRev }) => ({
    seq,
    text,
    edits,
    deleted,
    reactions,
    changedRev,
  }))

/**
 * Everything held, and in the end equal to what a device sees that has held nothing before: who connects while something is being committed may be
 * told of it only when it looks at its list for the second time.
 */
async function assertAgree(
  t: TestContext,
  parley: Awaited<ReturnType<typeof openParley>>,
  people: { email: string; username: string }[],
  clients: ParleyClient[],
  id: string,
) {
  // All have said what they have to say, and then all have heard it.
  for (const client of clients) await settled(client)
  for (const client of clients) {
    await settled(client)
    await texts(client, id)
  }
  const fresh = await signIn(t, parley, people[0]!)
  await texts(fresh, id)
  for (const client of clients) {
    const agrees = (): boolean => isDeepStrictEqual(shown(client, id), shown(fresh, id))
    // What is not so in time is told with the difference.
    await until(client, 'what the log says', agrees, client.timeline(id)).catch(() => {})
    assert.deepEqual(shown(client, id), shown(fresh, id))
  }
}

test('what is to be changed in a message that gets its place while that is being kept is changed all the same', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const kept = memoryStorage()
  const held = Promise.withResolvers<void>()
  let slow = false
  const storage: DeviceStorage = {
    ...kept,
    async write(changes) {
      if (slow) await held.promise
      return kept.write(changes)
    },
  }
  const ann = await signIn(t, parley, annUser, { storage })
  await ann.send({ conversationId: id }, 'first')
  await settled(ann)
  parley.reachable(false)
  const item = await ann.send({ conversationId: id }, 'helo')
  slow = true
  const editing = ann.edit(item, 'hello')
  parley.reachable(true)
  await until(ann, 'the message has its place', () => ann.outbox.get().every((one) => one.id !== item.id))
  held.resolve()
  await editing
  await settled(ann)
  assert.deepEqual(ann.outbox.get(), [])
  await settled(bob)
  assert.deepEqual(await texts(bob, id), ['first', 'hello'])
})

test('what a device that died had yet to change in a message of its own is changed when it starts again', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  await ann.send({ conversationId: id }, 'helo')
  await settled(ann)
  await texts(ann, id)
  const [message] = messages(ann, id)
  await ann.close()
  // As it is kept where the message was still on its way: it has not heard where that is.
  const waiting = (messageId: string, n: number): [string, OutboxItem] => {
    const change = { messageId, action: { kind: 'edit', text: `hello ${n}` } } as const
    const item = { id: crypto.randomUUID(), to: { conversationId: id }, text: '', change, order: n, queuedAt: '' }
    return [`${annUser.id}/outbox/${item.id}`, item]
  }
  await storage.write([waiting(crypto.randomUUID(), 1), waiting(message!.id, 2)])
  const again = device(t, parley, { storage })
  await again.resume()
  again.connect()
  await settled(again)
  assert.deepEqual(again.outbox.get(), [])
  await settled(bob)
  assert.deepEqual(await texts(bob, id), ['hello 2'])
})

test('edits, deletions and reactions reach every device, open or not, and the list', async (t) => {
  const { parley, annUser, bobUser, ann, bob, id } = await couple(t)
  await ann.send({ conversationId: id }, 'helo')
  await ann.send({ conversationId: id }, 'second')
  await settled(ann)
  await settled(bob)
  // Ann has opened the conversation, bob has not: he keeps it on his device only.
  await texts(ann, id)
  const [first, second] = messages(ann, id)
  await ann.edit(first!, 'hello')
  await ann.react(first!, '👍', true)
  await ann.edit(second!, 'the last')
  assert.equal(messages(ann, id)[0]?.text, 'hello', 'shown at once')
  await settled(ann)
  assert.deepEqual(ann.outbox.get(), [])
  await until(bob, 'the edit in the list', () => bob.conversations.get()[0]?.lastMessage?.text === 'the last')
  await texts(bob, id)
  await bob.react(messages(bob, id)[0]!, '👍', true)
  await assertAgree(t, parley, [annUser], [bob, ann], id)
  assert.equal(messages(bob, id)[0]?.text, 'hello')
  const me = (client: ParleyClient) => {
    const session = client.session.get()
    return session.status === 'signed-in' ? session.user.id : ''
  }
  assert.deepEqual(messages(ann, id)[0]?.reactions, [{ emoji: '👍', userIds: [me(ann), me(bob)] }])
  await ann.delete(messages(ann, id)[0]!)
  await assertAgree(t, parley, [bobUser], [ann, bob], id)
  const { text, deleted, reactions } = messages(bob, id)[0]!
  assert.deepEqual([text, deleted, reactions], ['', true, undefined])
})

test('what is changed offline waits behind the message that it is about, also over a restart', async (t) => {
  const { parley, annUser, bobUser, bob, id } = await couple(t)
  const folder = await mkdtemp(join(tmpdir(), 'parley-device-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'ann.jsonl')
  const ann = await signIn(t, parley, annUser, { storage: fileStorage(path) })
  parley.reachable(false)
  const item = await ann.send({ conversationId: id }, 'draft')
  await ann.edit(item, 'final')
  await ann.react(item, '🎉', true)
  await ann.send({ conversationId: id }, 'next')
  assert.deepEqual(
    ann
      .timeline(id)
      .get()
      .pending.map(({ text }) => text),
    ['draft', 'next'],
  )
  await ann.close()
  const again = device(t, parley, { storage: fileStorage(path) })
  await again.resume()
  parley.reachable(true)
  again.connect()
  await assertAgree(t, parley, [bobUser], [again, bob], id)
  assert.deepEqual(await texts(again, id), ['final', 'next'])
  assert.equal(messages(bob, id)[0]?.reactions?.length, 1)
  assert.deepEqual(again.outbox.get(), [])
})

test('what is pinned offline shows at once, waits over a restart, and is pinned for everybody then', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  for (const text of ['one', 'two']) await bob.send({ conversationId: id }, text)
  await settled(bob)
  await settled(ann)
  // The list may say what is pinned before the messages themselves have come; offline there are just those.
  await until(ann, 'the messages', () => messages(ann, id).length === 2)
  await texts(ann, id)
  const pinned = (client: ParleyClient) => client.conversations.get()[0]?.pinned ?? []
  const pins = async (client: ParleyClient) => (await client.pins(id)).map(({ text }) => text)
  await bob.pin(id, 1, true)
  await until(ann, 'the first', () => pinned(ann).length === 1)
  parley.reachable(false)
  await ann.pin(id, 1, false)
  await ann.pin(id, 2, true)
  await ann.pin(id, 1, true)
  assert.deepEqual(
    [pinned(ann), await pins(ann)],
    [
      [2, 1],
      ['two', 'one'],
    ],
  )
  await ann.close()
  const again = device(t, parley, { storage })
  await again.resume()
  assert.deepEqual(pinned(again), [2, 1])
  assert.deepEqual(pinned(bob), [1])
  parley.reachable(true)
  again.connect()
  await settled(again)
  await until(bob, 'both', () => pinned(bob).join() === '2,1')
  assert.deepEqual([pinned(again), again.outbox.get()], [[2, 1], []])
  assert.deepEqual(
    [await pins(again), await pins(bob)],
    [
      ['two', 'one'],
      ['two', 'one'],
    ],
  )
})

test('what one hides is not among the pins one sees, at once and on another device', async (t) => {
  const { parley, annUser, ann, bob, id } = await couple(t)
  for (const text of ['one', 'two']) await bob.send({ conversationId: id }, text)
  for (const seq of [1, 2]) await bob.pin(id, seq, true)
  await until(ann, 'the pins', () => ann.conversations.get()[0]?.pinned?.length === 2)
  const seen = async (client: ParleyClient) => [
    client.conversations.get()[0]?.pinned,
    (await client.pins(id)).map(({ text }) => text),
  ]
  ann.conversation(id).hide([1])
  assert.deepEqual(await seen(ann), [[2], ['two']])
  await settled(ann)
  assert.deepEqual(await seen(await signIn(t, parley, annUser)), [[2], ['two']])
  assert.deepEqual(await seen(bob), [
    [1, 2],
    ['one', 'two'],
  ])
})

test('a pin that waits says by its format and its place that a client which does not know pins leaves it alone', async (t) => {
  const { parley, annUser, bob, id } = await couple(t)
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  await bob.send({ conversationId: id }, 'one')
  await settled(ann)
  parley.reachable(false)
  const item = await ann.pin(id, 1, true)
  assert.ok((item.format ?? 0) > 1, 'its format says so')
  assert.equal(item.change?.seq, undefined, 'and it is no change of a message that has a place')
})

test('a change that the server refuses is taken back, and told', async (t) => {
  const { ann, bob, id } = await couple(t)
  await ann.send({ conversationId: id }, 'mine')
  await settled(ann)
  await settled(bob)
  await texts(bob, id)
  const refused = new Promise<string | undefined>((resolve) => bob.on('refused', (item) => resolve(item.refused?.code)))
  await bob.edit(messages(bob, id)[0]!, 'yours')
  assert.equal(await refused, 'action.forbidden')
  assert.equal(messages(bob, id)[0]?.text, 'mine')
  assert.deepEqual(bob.outbox.get(), [])
})

test('whatever is lost and cut on the way, every device ends with what the log says', {
  timeout: 60_000,
}, async (t) => {
  const { parley, annUser, ann, bob, bobUser, id } = await couple(t)
  const second = await signIn(t, parley, bobUser)
  for (let n = 0; n < 4; n++) await ann.send({ conversationId: id }, `m${n}`)
  for (const client of [ann, bob, second]) {
    await settled(client)
    await texts(client, id)
  }
  const clients = [ann, bob, second]
  const act = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    seq: fc.integer({ min: 0, max: 3 }),
    do: fc.constantFrom('edit', 'react', 'unreact', 'delete', 'send', 'cut'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 8 }), async (acts) => {
      for (const [n, { who, seq, do: what }] of acts.entries()) {
        const client = clients[who]!
        const message = messages(client, id)[seq]
        if (what === 'cut') parley.cut()
        else if (what === 'send') await client.send({ conversationId: id }, `more ${n}`)
        else if (!message) continue
        else if (what === 'edit') await client.edit(message, `edited ${n}`)
        else if (what === 'delete' && n % 3 === 0) await client.delete(message)
        else await client.react(message, '👍', what === 'react')
      }
      await assertAgree(t, parley, [annUser], clients, id)
    }),
    // What fails here waited for seconds: to look for a smaller case would outlast the test and hide the failure.
    { numRuns: 5, endOnFailure: true },
  )
})

test('a change that comes while the page that it is about is on its way is not lost', async (t) => {
  const { parley, annUser, bobUser, bob, id } = await couple(t)
  for (let n = 0; n < 3; n++) await bob.send({ conversationId: id }, `m${n}`)
  await settled(bob)
  await texts(bob, id)
  const [read, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    if (!String(request[0]).includes('/messages')) return response
    read.resolve()
    await go.promise
    return response
  }
  const ann = await signIn(t, parley, annUser, { fetch: slow })
  const opened = texts(ann, id)
  await read.promise
  await bob.edit(messages(bob, id)[0]!, 'edited meanwhile')
  const rev = (client: ParleyClient) => client.conversations.get()[0]?.rev ?? 0
  await settled(bob)
  await until(ann, 'the edit', () => rev(ann) === rev(bob))
  go.resolve()
  assert.deepEqual(await opened, ['edited meanwhile', 'm1', 'm2'])
  await assertAgree(t, parley, [bobUser], [ann, bob], id)
})

test('a change that comes while two pages are on their way is missing in neither', async (t) => {
  const { parley, annUser, bobUser, bob, id } = await couple(t)
  for (let n = 0; n < 3; n++) await bob.send({ conversationId: id }, `m${n}`)
  await settled(bob)
  await texts(bob, id)
  const read = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const go = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let pages = 0
  const slow: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    if (!String(request[0]).includes('/messages')) return response
    const page = pages++
    read[page]?.resolve()
    await go[page]?.promise
    return response
  }
  const ann = await signIn(t, parley, annUser, { fetch: slow })
  const timeline = ann.timeline(id)
  const opened = timeline.open()
  await read[0]!.promise
  const older = timeline.loadOlder()
  await read[1]!.promise
  await bob.edit(messages(bob, id)[0]!, 'edited meanwhile')
  const rev = (client: ParleyClient) => client.conversations.get()[0]?.rev ?? 0
  await settled(bob)
  await until(ann, 'the edit', () => rev(ann) === rev(bob))
  go[0]!.resolve()
  await opened
  go[1]!.resolve()
  await older
  assert.deepEqual(
    messages(ann, id).map(({ text }) => text),
    ['edited meanwhile', 'm1', 'm2'],
  )
  await assertAgree(t, parley, [bobUser], [ann, bob], id)
})
