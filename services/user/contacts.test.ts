import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import type { Bus } from '@parley/kit/bus/bus'
import { openLog } from '@parley/kit/log'
import type { ContactItem, ContactPair } from '@parley/protocol/contact'
import type { BlocksPage } from '@parley/protocol/internal'
import type { UserLimits } from './config.ts'
import { INTERNAL_KEY, openService } from './service.fixture.ts'
import { pairKey } from './store/contacts.ts'

/** Ann, Ben and Eve, signed in. */
async function people(t: TestContext, limits: Partial<UserLimits> = {}, bus?: Bus) {
  const service = await openService(t, { limits, ...(bus && { bus }) })
  const person = async (name: string) => {
    const id = await service.register(name)
    const as = service.as((await service.signIn(name)).token)
    const what = async (method: string, path: string): Promise<[number, unknown]> => {
      const { status, body } = await as(method, `/api/user/contacts${path}`)
      return [status, status === 200 ? `${body.status}${body.blocked ? ', blocked' : ''}` : body.code]
    }
    const list = async (name: string): Promise<string[]> => {
      const { body } = await as('GET', `/api/user/contacts?list=${name}`)
      return (body.items as ContactItem[]).map(({ username }) => username).sort()
    }
    return { id, as, what, list }
  }
  return { service, ann: await person('ann'), ben: await person('ben'), eve: await person('eve') }
}

test('a request is seen from both ends, accepted once, and ends when one removes the other', async (t) => {
  const { ann, ben } = await people(t)
  assert.deepEqual(await ann.what('PUT', `/${ben.id}/request`), [200, 'outgoing'])
  assert.deepEqual(await ann.what('PUT', `/${ben.id}/request`), [200, 'outgoing'])
  assert.deepEqual([await ann.list('outgoing'), await ben.list('incoming')], [['ben'], ['ann']])
  assert.deepEqual(await ann.what('POST', `/${ben.id}/accept`), [404, 'not_found'], 'not by who has asked')
  assert.deepEqual(await ben.what('POST', `/${ann.id}/accept`), [200, 'friends'])
  assert.deepEqual(await ben.what('POST', `/${ann.id}/accept`), [200, 'friends'])
  assert.deepEqual([await ann.list('friends'), await ben.list('friends')], [['ben'], ['ann']])
  assert.deepEqual([await ann.list('outgoing'), await ben.list('incoming')], [[], []])
  assert.deepEqual(await ann.what('DELETE', `/${ben.id}/request`), [200, 'friends'], 'too late to cancel')
  assert.deepEqual(await ann.what('DELETE', `/${ben.id}`), [200, 'none'])
  assert.deepEqual(await ben.what('GET', `/${ann.id}`), [200, 'none'])
})

test('a request is declined or cancelled, and two that cross are a friendship', async (t) => {
  const { ann, ben } = await people(t)
  await ann.what('PUT', `/${ben.id}/request`)
  assert.deepEqual(await ben.what('POST', `/${ann.id}/decline`), [200, 'none'])
  assert.deepEqual(await ann.what('GET', `/${ben.id}`), [200, 'none'])
  await ann.what('PUT', `/${ben.id}/request`)
  assert.deepEqual(await ann.what('DELETE', `/${ben.id}/request`), [200, 'none'])
  assert.deepEqual(await ben.what('POST', `/${ann.id}/accept`), [404, 'not_found'])
  const [one, other] = await Promise.all([ann.what('PUT', `/${ben.id}/request`), ben.what('PUT', `/${ann.id}/request`)])
  assert.deepEqual([one, other].map(([, view]) => view).sort(), ['friends', 'outgoing'])
  assert.deepEqual([await ann.list('friends'), await ben.list('friends')], [['ben'], ['ann']])
})

test('who was blocked is answered exactly as if there were nobody, and cannot see that anything changed', async (t) => {
  const { ann, ben } = await people(t)
  assert.deepEqual(await ben.what('PUT', `/${ann.id}/request`), [200, 'outgoing'])
  const before = (await ben.as('GET', `/api/user/contacts/${ann.id}`)).body as unknown as ContactItem
  assert.deepEqual(await ann.what('POST', `/${ben.id}/decline`), [200, 'none'])
  assert.deepEqual(await ann.what('PUT', `/${ben.id}/block`), [200, 'none, blocked'])
  assert.deepEqual(await ann.what('PUT', `/${ben.id}/block`), [200, 'none, blocked'])
  assert.deepEqual(await ann.list('blocked'), ['ben'])

  const nobody = randomUUID()
  for (const [method, path] of [
    ['PUT', 'contacts/:id/request'],
    ['DELETE', 'contacts/:id/request'],
    ['POST', 'contacts/:id/accept'],
    ['POST', 'contacts/:id/decline'],
    ['DELETE', 'contacts/:id/block'],
    ['DELETE', 'contacts/:id'],
    ['GET', 'contacts/:id'],
    ['GET', 'users/:id'],
  ] as const) {
    const replies = await Promise.all(
      [ann.id, nobody].map((id) => ben.as(method, `/api/user/${path.replace(':id', id)}`)),
    )
    const [blocked, unknown] = replies.map(({ status, body: { requestId: _, ...body } }) => ({ status, body }))
    assert.deepEqual(blocked, unknown, `${method} ${path}`)
  }
  assert.deepEqual((await ben.as('GET', '/api/user/users?username=ann')).body, { items: [] })
  assert.deepEqual((await ann.as('GET', '/api/user/users?username=ben')).body.items, [{ id: ben.id, username: 'ben' }])
  assert.deepEqual(await ann.what('PUT', `/${ben.id}/request`), [403, 'action.forbidden'], 'unblock first')

  assert.deepEqual(await ann.what('DELETE', `/${ben.id}/block`), [200, 'none'])
  const after = (await ben.as('GET', `/api/user/contacts/${ann.id}`)).body as unknown as ContactItem
  assert.equal(after.rev, before.rev + 1, 'the decline is all that ben ever saw')
  assert.deepEqual(await ben.what('PUT', `/${ann.id}/request`), [200, 'outgoing'])
})

test('a block ends a friendship, and each may block the other', async (t) => {
  const { ann, ben } = await people(t)
  await ann.what('PUT', `/${ben.id}/request`)
  await ben.what('PUT', `/${ann.id}/request`)
  await ann.what('PUT', `/${ben.id}/block`)
  assert.deepEqual([await ann.list('friends'), await ben.list('friends')], [[], []])
  assert.deepEqual(await ben.what('PUT', `/${ann.id}/block`), [200, 'none, blocked'])
  assert.deepEqual(await ann.what('DELETE', `/${ben.id}/block`), [200, 'none'])
  assert.deepEqual(await ann.what('PUT', `/${ben.id}/request`), [404, 'not_found'])
})

test('nobody, oneself and what is no id cannot be asked, and nobody asks without signing in', async (t) => {
  const { service, ann } = await people(t)
  for (const id of [randomUUID(), ann.id, 'x', '%00', '..%2fme'])
    for (const [method, rest] of [
      ['PUT', '/request'],
      ['POST', '/accept'],
      ['POST', '/decline'],
      ['DELETE', ''],
      ['PUT', '/block'],
      ['GET', ''],
    ] as const)
      assert.deepEqual(await ann.what(method, `/${id}${rest}`), [404, 'not_found'], `${method} ${id}${rest}`)
  for (const query of ['?list=all', '?limit=0', '?after=x', '?list=friends&list=blocked'])
    assert.equal((await ann.as('GET', `/api/user/contacts${query}`)).status, 400, query)
  for (const path of ['', `/${ann.id}`])
    assert.equal((await service.call('GET', `/api/user/contacts${path}`)).status, 401)
  const foreign = { origin: 'https://evil.example', authorization: 'Bearer x' }
  assert.equal((await service.call('PUT', `/api/user/contacts/${ann.id}/block`, undefined, foreign)).status, 403)
})

test('requests are bounded in number and in time', async (t) => {
  const few = await people(t, { outgoingRequestsPerUser: 1 })
  assert.deepEqual(await few.ann.what('PUT', `/${few.ben.id}/request`), [200, 'outgoing'])
  assert.deepEqual(await few.ann.what('PUT', `/${few.eve.id}/request`), [403, 'action.forbidden'])
  assert.deepEqual(await few.ann.what('PUT', `/${few.ben.id}/request`), [200, 'outgoing'], 'a repeat needs no room')
  const slow = await people(t, { contactChangesPerUser: 2 })
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await slow.ann.what('PUT', `/${slow.ben.id}/request`))[0])
  assert.deepEqual(statuses, [200, 200, 429])
})

test('other services read every block in pages, with the key only', async (t) => {
  const { service, ann, ben, eve } = await people(t)
  await ann.what('PUT', `/${ben.id}/block`)
  await eve.what('PUT', `/${ben.id}/block`)
  await eve.what('PUT', `/${ann.id}/request`)
  const authorization = `Bearer ${INTERNAL_KEY.toString('base64url')}`
  const ask = async (query: string): Promise<BlocksPage> =>
    (await fetch(`${service.internalUrl}/internal/blocks${query}`, { headers: { authorization } })).json()
  const first = await ask('?limit=1')
  const second = await ask(`?limit=1&after=${first.next}`)
  const third = await ask(`?limit=1&after=${second.next}`)
  assert.deepEqual(third, { items: [] })
  assert.deepEqual((await ask('')).items, [...first.items, ...second.items])
  assert.deepEqual(
    [...first.items, ...second.items].map(({ users, by }) => [users.includes(ben.id), by.length]),
    [
      [true, 1],
      [true, 1],
    ],
  )
  for (const url of [service.internalUrl, service.url]) assert.ok((await fetch(`${url}/internal/blocks`)).status >= 400)
  assert.equal((await fetch(`${service.internalUrl}/internal/blocks`)).status, 401)
})

test('lists come in pages', async (t) => {
  const { ann, ben, eve } = await people(t)
  for (const { id } of [ben, eve]) await ann.what('PUT', `/${id}/request`)
  const first = (await ann.as('GET', '/api/user/contacts?list=outgoing&limit=1')).body
  assert.equal((first.items as ContactItem[]).length, 1)
  const next = (await ann.as('GET', `/api/user/contacts?list=outgoing&limit=1&after=${first.nextCursor}`)).body
  assert.equal(next.nextCursor, undefined)
  assert.deepEqual(
    [...(first.items as ContactItem[]), ...(next.items as ContactItem[])].map(({ userId }) => userId),
    [ben.id, eve.id].sort(),
  )
})

test('the bus hears of each change, and of a block before it is answered', async (t) => {
  const { service, ann, ben } = await people(t)
  const [asking] = await service.heard('contact.changed')
  await ann.what('PUT', `/${ben.id}/request`)
  const { data, rev } = await asking!
  const sides = [data.low, data.high].sort((side) => (side.userId === ann.id ? -1 : 1))
  assert.deepEqual(
    [rev, ...sides.map(({ view, tell }) => `${view.status} ${tell}`)],
    [1, 'outgoing true', 'incoming true'],
  )
  const [cancelled] = await service.heard('contact.changed')
  await ann.what('DELETE', `/${ben.id}/request`)
  await cancelled
  const blocks: string[] = []
  await using _ = await service.bus.listen(['contact.changed'], (event) => {
    if (event.type === 'contact.changed')
      blocks.push(...[event.data.low, event.data.high].filter((s) => s.blocks).map((s) => `${s.userId} ${s.tell}`))
  })
  await ann.what('PUT', `/${ben.id}/block`)
  assert.deepEqual(blocks[0], `${ann.id} true`)
})

test('of a friendship the bus hears who accepted, also where it hears of the request at the same time', async (t) => {
  const bus = aloneBus({ log: openLog('user', 'silent'), left: (name) => name === 'notification.alerts' })
  const { service, ann, ben, eve } = await people(t, {}, bus)
  const heard: ContactPair[] = []
  await using _ = await service.bus.listen(['contact.changed'], (event) => {
    if (event.type === 'contact.changed') heard.push(event.data)
  })
  const accepted = async (other: { id: string }, rev: number): Promise<string[]> => {
    const key = pairKey(ann.id, other.id)
    await t.waitFor(async () => assert.equal((await service.store.contacts.find([key]))[0]?.toldRev, rev))
    const sides = heard.flatMap(({ low, high }) =>
      [low, high].some(({ userId }) => userId === other.id) ? [low, high] : [],
    )
    return sides.slice(-2).flatMap((side) => (side.accepted ? [side.userId] : []))
  }
  await ann.what('PUT', `/${ben.id}/request`)
  await ben.what('POST', `/${ann.id}/accept`)
  await eve.what('PUT', `/${ann.id}/request`)
  await ann.what('PUT', `/${eve.id}/request`)
  await service.bus.subscribe('notification.alerts', async () => {})
  assert.deepEqual([await accepted(ben, 2), await accepted(eve, 2)], [[ben.id], [ann.id]])
  await ben.what('DELETE', `/${ann.id}`)
  assert.deepEqual(await accepted(ben, 3), [])
})
