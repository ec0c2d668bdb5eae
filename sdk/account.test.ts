import assert from 'node:assert/strict'
import test from 'node:test'
import type { ExportLine } from '@parley/protocol/export'
import { ParleyError } from './client.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, PASSWORD, register, settled, signIn, until } from './parley.fixture.ts'

const code = (expected: string) => (error: unknown) => error instanceof ParleyError && error.problem.code === expected

async function exported(chunks: AsyncIterable<Uint8Array>, each = (): void => {}): Promise<ExportLine[]> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) {
    parts.push(chunk)
    each()
  }
  const text = Buffer.concat(parts).toString()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine)
}

test('asking for a password is answered alike for everybody, and a made-up link sets none', async (t) => {
  const parley = await openParley(t)
  const ann = await register(t, parley, 'ann')
  const client = device(t, parley)
  await client.askForPassword(ann.email)
  await client.askForPassword('nobody@example.org')
  await assert.rejects(client.resetPassword('made up', 'another secret'), code('not_found'))
  await assert.rejects(client.confirmEmail('made up'), code('not_found'))
  await client.login({ email: ann.email, password: PASSWORD })
  await client.changeEmail('new@example.org', PASSWORD)
  await assert.rejects(client.changeEmail('new@example.org', 'not it'), code('validation.failed'))
})

test('everything one has comes as one stream, and one that breaks off is no whole', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const ann = await signIn(t, parley, annUser)
  await ann.send({ receiverId: bobUser.id }, 'hello')
  await settled(ann)
  const lines = await exported(ann.exportData())
  assert.deepEqual(
    lines.map(({ type }) => type),
    ['account', 'profile', 'session', 'end', 'conversation', 'message', 'end'],
  )
  await assert.rejects(
    exported(ann.exportData(), () => parley.reachable(false)),
    code('unavailable'),
  )
  parley.reachable(true)
  await assert.rejects(exported(device(t, parley).exportData()), code('auth.invalid'))
})

test('deleting the account signs out everywhere and forgets everything on the device', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = memoryStorage()
  const [ann, phone] = [await signIn(t, parley, annUser, { storage }), await signIn(t, parley, annUser)]
  await ann.send({ receiverId: bobUser.id }, 'hello')
  await settled(ann)
  await assert.rejects(ann.deleteAccount('not it', 'keep'), code('validation.failed'))
  await ann.deleteAccount(PASSWORD, 'keep')
  assert.deepEqual(ann.session.get(), { status: 'signed-out', ended: 'deleted' })
  assert.deepEqual(await storage.list(''), [])
  await until(phone, 'signed out', () => phone.session.get().status === 'signed-out')
  assert.deepEqual(phone.session.get(), { status: 'signed-out', ended: 'deleted' })
  const bob = await signIn(t, parley, bobUser)
  await until(bob, 'ann gone', () => bob.conversations.get()[0]?.members?.some(({ deleted }) => deleted) === true)
  assert.equal(bob.conversations.get()[0]?.title, '')
  const refused = new Promise<string | undefined>((resolve) => bob.on('refused', (item) => resolve(item.refused?.code)))
  await bob.send({ conversationId: bob.conversations.get()[0]!.id }, 'still there?')
  assert.equal(await refused, 'action.forbidden')
  assert.deepEqual(
    bob.outbox.get().map((item) => item.refused?.detail),
    ['This person has deleted their account'],
  )
  assert.equal(await bob.findUser('ann'), undefined)
})

test('where the reply to a deletion is lost, all of the account goes from the device with the next answer, unsent messages too', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  for (const restart of [false, true]) {
    const user = restart ? bobUser : annUser
    const storage = memoryStorage()
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      if (init?.method !== 'DELETE') return response
      throw new TypeError('the reply was lost')
    }
    const client = await signIn(t, parley, user, { storage, fetch: losing })
    client.disconnect()
    await client.send({ receiverId: user.id }, 'never sent')
    await assert.rejects(client.deleteAccount(PASSWORD, 'keep'), code('unavailable'))
    const unsent = (await storage.list('')).filter(([key]) => key.includes('/outbox/'))
    assert.equal(unsent.length, 1, 'what became of it is not known')
    if (restart) await client.close()
    const next = restart ? device(t, parley, { storage }) : client
    if (restart) await next.resume()
    const over = new Promise<void>((resolve) => {
      const look = () => next.session.get().status === 'signed-out' && resolve()
      next.session.subscribe(look)
      look()
    })
    next.connect()
    await over
    assert.deepEqual(next.session.get(), { status: 'signed-out', ended: 'deleted' })
    assert.deepEqual(await storage.list(''), [])
  }
})
