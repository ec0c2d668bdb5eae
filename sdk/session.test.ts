import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ParleyError } from './client.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, PASSWORD, register, settled, signIn, texts, until } from './parley.fixture.ts'

const code = (expected: string) => (error: unknown) => error instanceof ParleyError && error.problem.code === expected

test('a wrong password, a taken name and a missing session are refused with the reason', async (t) => {
  const parley = await openParley(t)
  const ann = await register(t, parley, 'ann')
  const client = device(t, parley)
  await assert.rejects(client.login({ email: ann.email, password: 'not this one' }), code('auth.invalid'))
  await assert.rejects(
    client.register({ username: 'Ann', email: 'other@example.org', password: PASSWORD }),
    code('name.taken'),
  )
  await assert.rejects(client.findUser('ann'), code('auth.invalid'))
  await assert.rejects(client.send({ receiverId: ann.id }, 'hello'), code('auth.invalid'))
  assert.equal(await client.resume(), undefined)
})

test('logging out forgets everything on the device and ends the session', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  await ann.send({ receiverId: bobUser.id }, 'hello')
  await settled(ann)
  assert.notDeepEqual(await storage.list(''), [])
  const other = await signIn(t, parley, annUser)
  assert.equal((await other.sessions()).length, 2)
  await ann.logout()
  assert.deepEqual(ann.session.get(), { status: 'signed-out' })
  assert.deepEqual(ann.conversations.get(), [])
  assert.deepEqual(await storage.list(''), [])
  assert.equal((await other.sessions()).length, 1)
  assert.equal(await ann.resume(), undefined)
})

test('what is asked in the name of a session is answered before the session ends, and nothing is asked after it', async (t) => {
  const parley = await openParley(t)
  await register(t, parley, 'bob')
  const asked: string[] = []
  const open = Promise.withResolvers<void>()
  let leaving: Promise<Response> | undefined
  const slow: typeof fetch = async (url, init) => {
    const { pathname } = new URL(String(url))
    if (pathname === '/api/user/users') {
      await open.promise
      await leaving
    }
    const answer = fetch(url, init)
    if (pathname === '/api/user/logout') leaving = answer
    if (pathname.startsWith('/api/user/')) asked.push(`${pathname} ${(await answer).status}`)
    return answer
  }
  const ann = await signIn(t, parley, await register(t, parley, 'ann'), { fetch: slow })
  asked.length = 0
  const before = ann.findUser('bob')
  const out = ann.logout()
  const meanwhile = assert.rejects(ann.findUser('bob'), code('auth.invalid'))
  // By then a log-out that waits for nothing has been sent.
  await turn()
  open.resolve()
  assert.equal((await before)?.username, 'bob')
  await Promise.all([out, meanwhile])
  assert.deepEqual(asked, ['/api/user/users 200', '/api/user/logout 204'])
})

test('what is never answered keeps nobody from logging out', async (t) => {
  const parley = await openParley(t)
  const hanging: typeof fetch = (url, init) =>
    String(url).includes('/api/user/users')
      ? new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)))
      : fetch(url, init)
  const ann = await signIn(t, parley, await register(t, parley, 'ann'), { fetch: hanging })
  const before = assert.rejects(ann.findUser('bob'), code('unavailable'))
  await ann.logout()
  await before
  assert.deepEqual(ann.session.get(), { status: 'signed-out' })
})

test('what is asked while it is open whether the account is deleted waits, and goes on where it is not', async (t) => {
  const parley = await openParley(t)
  await register(t, parley, 'bob')
  const asked: string[] = []
  const spy: typeof fetch = async (url, init) => {
    const answer = await fetch(url, init)
    const { pathname } = new URL(String(url))
    if (pathname.startsWith('/api/user/')) asked.push(`${init?.method} ${pathname} ${answer.status}`)
    return answer
  }
  const ann = await signIn(t, parley, await register(t, parley, 'ann'), { fetch: spy })
  asked.length = 0
  const refused = assert.rejects(ann.deleteAccount('not it', 'keep'), code('validation.failed'))
  const bob = ann.findUser('bob')
  await refused
  assert.equal((await bob)?.username, 'bob')
  const deleted = ann.deleteAccount(PASSWORD, 'keep')
  await assert.rejects(ann.findUser('bob'), code('auth.invalid'))
  await deleted
  assert.deepEqual(asked, ['DELETE /api/user/me 400', 'GET /api/user/users 200', 'DELETE /api/user/me 204'])
})

test('logging out without a network forgets everything, and says that the server was not told', async (t) => {
  const parley = await openParley(t)
  const storage = memoryStorage()
  const ann = await signIn(t, parley, await register(t, parley, 'ann'), { storage })
  parley.reachable(false)
  await assert.rejects(ann.logout(), code('unavailable'))
  assert.equal(ann.session.get().status, 'signed-out')
  assert.deepEqual(await storage.list(''), [])
})

test('logging out in a tab that was left behind touches nothing of who has signed in since', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  const bob = device(t, parley, { storage })
  await bob.login({ email: bobUser.email, password: PASSWORD })
  await bob.send({ receiverId: annUser.id }, 'not sent yet')
  await ann.logout()
  const kept = (await storage.list('')).map(([key]) => key)
  assert.ok(kept.every((key) => !key.startsWith(annUser.id)))
  await bob.close()
  const later = device(t, parley, { storage })
  assert.equal((await later.resume())?.username, 'bob')
  assert.deepEqual(
    later.outbox.get().map(({ text }) => text),
    ['not sent yet'],
  )
})

test('a revoked session signs the device out at once; what was not sent waits for the same user only', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = memoryStorage()
  const phone = await signIn(t, parley, annUser, { storage })
  await phone.send({ receiverId: bobUser.id }, 'sent')
  await settled(phone)
  const laptop = await signIn(t, parley, annUser)
  const { id } = phone.conversations.get()[0]!
  phone.disconnect()
  await phone.send({ conversationId: id }, 'not sent yet')
  const sessions = await laptop.sessions()
  await laptop.revokeSession(sessions.find(({ current }) => !current)!.id)
  phone.connect()
  await until(phone, 'signed out', () => phone.session.get().status === 'signed-out')
  assert.ok((phone.session.get() as { ended?: string }).ended)
  assert.deepEqual(phone.outbox.get(), [])
  assert.deepEqual(
    (await storage.list('')).map(([key]) => key.split('/')[1]),
    ['outbox'],
    'only the outbox is left',
  )
  // The same user finds it again…
  await phone.login({ email: annUser.email, password: PASSWORD })
  assert.equal(phone.outbox.get()[0]?.text, 'not sent yet')
  await settled(phone)
  assert.deepEqual(await texts(phone, id), ['sent', 'not sent yet'])
  phone.disconnect()
  await phone.send({ conversationId: id }, 'mine alone')
  // …and another never does.
  await phone.login({ email: bobUser.email, password: PASSWORD })
  assert.deepEqual(phone.outbox.get(), [])
  assert.deepEqual(
    (await storage.list('')).filter(([key]) => key.includes(annUser.id)),
    [],
  )
  phone.connect()
  await settled(phone)
  assert.deepEqual(await texts(phone, id), ['sent', 'not sent yet'])
})

test('a session revoked while its device is connected ends within two seconds', async (t) => {
  const parley = await openParley(t)
  const annUser = await register(t, parley, 'ann')
  const [phone, laptop] = [await signIn(t, parley, annUser), await signIn(t, parley, annUser)]
  await laptop.revokeOtherSessions()
  const since = performance.now()
  await until(phone, 'signed out', () => phone.session.get().status === 'signed-out')
  assert.ok(performance.now() - since < 2_000)
  assert.deepEqual(phone.session.get(), { status: 'signed-out', ended: 'revoked' })
  assert.equal(laptop.session.get().status, 'signed-in')
})

test('tokens are renewed ahead of their end, without the connection noticing', async (t) => {
  const parley = await openParley(t, { PARLEY_LIMIT_ACCESS_TOKEN_SECONDS: '3' })
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const tokens = new Set<string>()
  const spy: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    if (String(request[0]).endsWith('/refresh'))
      tokens.add(((await response.clone().json()) as { token: string }).token)
    return response
  }
  const ann = await signIn(t, parley, annUser, { fetch: spy })
  let left = 0
  ann.on('connection', (state) => {
    if (state !== 'live') left++
  })
  const bob = await signIn(t, parley, bobUser)
  const renewed = Promise.withResolvers<void>()
  const look = setInterval(() => {
    if (tokens.size >= 2) renewed.resolve()
  }, 50)
  t.after(() => clearInterval(look))
  await renewed.promise
  await bob.send({ receiverId: annUser.id }, 'still there?')
  await until(ann, 'it arrives', () => ann.conversations.get()[0]?.lastMessage?.text === 'still there?')
  assert.equal(left, 0)
})

test('many requests at once with an ended token refresh it once', async (t) => {
  const parley = await openParley(t)
  const annUser = await register(t, parley, 'ann')
  const storage = memoryStorage()
  const first = device(t, parley, { storage })
  await first.login({ email: annUser.email, password: PASSWORD })
  await first.close()
  let refreshes = 0
  const counting: typeof fetch = (...request) => {
    if (String(request[0]).endsWith('/refresh')) refreshes++
    return fetch(...request)
  }
  const again = device(t, parley, { storage, fetch: counting })
  await Promise.all([again.resume(), again.resume()])
  await Promise.all(Array.from({ length: 20 }, () => again.findUser('ann')))
  assert.equal(refreshes, 1)
})

test('a device whose cursor has ended starts anew, and keeps its outbox', async (t) => {
  const parley = await openParley(t)
  const [annUser, bobUser] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const storage = memoryStorage()
  const ann = await signIn(t, parley, annUser, { storage })
  const bob = await signIn(t, parley, bobUser)
  await bob.send({ receiverId: annUser.id }, 'kept by the server')
  await until(ann, 'it arrives', () => ann.conversations.get().length === 1)
  await settled(ann)
  const { id } = ann.conversations.get()[0]!
  await ann.close()
  // What a device holds of another life of the data: a conversation that is no more, and a head that was never reached.
  const key = `${annUser.id}/conversation/${id}`
  const held = (await storage.get(key)) as { rev: number; headRev: number; headSeq: number; firstSeq: number }
  await storage.write([
    [key, { ...held, rev: held.rev + 5, headRev: held.rev + 5, headSeq: held.headSeq + 5, firstSeq: held.headSeq + 6 }],
    [`${annUser.id}/conversation/gone`, { ...held, id: 'gone' }],
  ])
  const again = device(t, parley, { storage })
  await again.resume()
  await again.send({ conversationId: id }, 'kept by the device')
  // The server finds the device's place in the log above its head.
  await bob.send({ conversationId: id }, 'news')
  await settled(bob)
  await storage.write([[key, { ...held, rev: held.rev + 5, headRev: held.rev + 9, headSeq: held.headSeq + 5 }]])
  await again.close()
  const third = device(t, parley, { storage })
  await third.resume()
  third.connect()
  await settled(third)
  assert.deepEqual(await texts(third, id), ['kept by the server', 'news', 'kept by the device'])
  assert.deepEqual(
    third.conversations.get().map((conversation) => conversation.id),
    [id],
  )
})
