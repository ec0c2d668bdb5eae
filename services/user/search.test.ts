import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { NEW_PROFILE } from '@parley/protocol/profile'
import { openService, type Service } from './service.fixture.ts'
import { account } from './store/store.contract.ts'

const search = (q: string, more = ''): string => `/api/user/search?q=${encodeURIComponent(q)}${more}`
const names = (body: Record<string, unknown>): string[] =>
  (body.items as { username: string }[]).map(({ username }) => username)

test('people are found by the beginning of their names, the exact name first, and nothing else is told of them', async (t) => {
  const service = await openService(t)
  const ids: Record<string, string> = {}
  for (const name of ['Anna', 'ann', 'annabel', 'ben']) ids[name] = await service.register(name)
  const as = service.as((await service.signIn('ben')).token)
  const { status, body } = await as('GET', search('ANN'))
  assert.equal(status, 200)
  assert.deepEqual(names(body), ['ann', 'Anna', 'annabel'])
  assert.deepEqual((body.items as object[])[0], { id: ids.ann, username: 'ann' })
  assert.equal(body.nextCursor, undefined)
  for (const none of ['nna', 'ann@', 'example', '%%', '__', '.*'])
    assert.deepEqual(names((await as('GET', search(none))).body), [])
})

test('a search is read page by page to its end', async (t) => {
  const service = await openService(t)
  for (const name of ['ann1', 'ann2', 'ann3', 'ann4', 'ann5']) await service.register(name)
  const as = service.as((await service.signIn('ann1')).token)
  const seen: string[] = []
  for (let cursor = '', pages = 0; pages < 4; pages++) {
    const { body } = await as('GET', search('ann', `&limit=2${cursor}`))
    seen.push(...names(body))
    if (body.nextCursor === undefined) break
    cursor = `&cursor=${body.nextCursor}`
  }
  assert.deepEqual(seen, ['ann1', 'ann2', 'ann3', 'ann4', 'ann5'])
})

test('who is blocked does not find who blocks', async (t) => {
  const service = await openService(t)
  await service.register('ann')
  const anton = await service.register('anton')
  const [a, b] = [service.as((await service.signIn('ann')).token), service.as((await service.signIn('anton')).token)]
  assert.equal((await a('PUT', `/api/user/contacts/${anton}/block`)).status, 200)
  assert.deepEqual(names((await b('GET', search('an'))).body), ['anton'])
})

test('who blocks leaves no trace in a search, whatever the size of its pages', async (t) => {
  const service = await openService(t)
  for (const name of ['bea', 'bert', 'bev']) await service.register(name)
  const [bess, zed] = [await service.register('bess'), await service.register('zed')]
  for (const name of ['bea', 'bert', 'bev']) {
    const blocker = service.as((await service.signIn(name)).token)
    assert.equal((await blocker('PUT', `/api/user/contacts/${zed}/block`)).status, 200)
  }
  const as = service.as((await service.signIn('zed')).token)
  for (const limit of [1, 2, 3])
    assert.deepEqual((await as('GET', search('be', `&limit=${limit}`))).body, {
      items: [{ id: bess, username: 'bess' }],
    })
  assert.deepEqual((await as('GET', search('bert', '&limit=1'))).body, { items: [] })
})

/** A user with that display name, who asks. */
async function person(service: Service, username: string, displayName?: string) {
  const id = await service.register(username)
  const as = service.as((await service.signIn(username)).token)
  const patch = (change: object) => as('PATCH', '/api/user/me/profile', change)
  if (displayName !== undefined) assert.equal((await patch({ displayName })).status, 200)
  const found = async (q: string) => names((await as('GET', search(q))).body)
  return { id, as, patch, found }
}

test('people are found by the beginning of each word of their display names, after those whose user names begin so, each once', async (t) => {
  const service = await openService(t)
  const zoe = await person(service, 'zoe')
  await person(service, 'smithy', 'Smithy Smith')
  const ann = await person(service, 'a_1', 'Ann-Zoë  Smith')
  await person(service, 'kay', 'SMITH Ånn Smithson')
  await person(service, 'jay', 'Goldsmith')
  assert.deepEqual(await zoe.found('smi'), ['smithy', 'a_1', 'kay'])
  assert.deepEqual(await zoe.found('ÁNN'), ['a_1', 'kay'])
  assert.deepEqual(await zoe.found('zoe'), ['zoe', 'a_1'])
  assert.deepEqual(await zoe.found(' smi  zo '), ['a_1'])
  for (const none of ['mith', 'smith bob', '-- ..', 'Ann Smithson x']) assert.deepEqual(await zoe.found(none), [], none)
  await ann.patch({ displayName: 'Bea' })
  assert.deepEqual(await zoe.found('smi'), ['smithy', 'kay'])
  assert.deepEqual(await zoe.found('bea'), ['a_1'])
  await ann.patch({ displayName: null })
  assert.deepEqual(await zoe.found('bea'), [])
})

test('a display name leads to nobody who blocks the asker, or is found by friends alone, whatever the size of the pages', async (t) => {
  const service = await openService(t)
  const zed = await person(service, 'zed')
  const [shy, blocker] = [await person(service, 'sh1', 'Rose Red'), await person(service, 'sh2', 'Rose Blue')]
  await person(service, 'sh3', 'Rose White')
  await shy.patch({ findable: 'nobody' })
  assert.equal((await blocker.as('PUT', `/api/user/contacts/${zed.id}/block`)).status, 200)
  for (const limit of [1, 2, 3]) {
    const { body } = await zed.as('GET', search('rose', `&limit=${limit}`))
    assert.deepEqual([names(body), body.nextCursor], [['sh3'], undefined])
  }
  assert.deepEqual((await zed.as('GET', search('red'))).body, { items: [] })
  assert.deepEqual(await shy.found('red'), ['sh1'])
})

test('a search by both names is read page by page to its end, and a cursor is good for that search alone', async (t) => {
  const service = await openService(t)
  await person(service, 'mia')
  for (const n of [1, 2, 3, 4, 5]) await person(service, `xx${n}`, n % 2 ? 'Mia Miamore' : 'Miamore Mia')
  const { as } = await person(service, 'mia2', 'Mia Mia')
  const seen: string[] = []
  let cursor = ''
  for (let pages = 0; pages < 5; pages++) {
    const { body } = await as('GET', search('mia', `&limit=2${cursor}`))
    seen.push(...names(body))
    if (body.nextCursor === undefined) break
    cursor = `&cursor=${body.nextCursor}`
  }
  assert.deepEqual(
    [seen.slice(0, 2), seen.slice(2).sort()],
    [
      ['mia', 'mia2'],
      ['xx1', 'xx2', 'xx3', 'xx4', 'xx5'],
    ],
  )
  assert.deepEqual((await as('GET', search('miam', cursor))).body, { items: [] })
})

test('where very many are not for the asker to find a page ends early, tells of none of them, and the search goes on to its end', async (t) => {
  const service = await openService(t)
  const { users, profiles } = service.store
  const zed = await person(service, 'zed')
  const hidden = Array.from({ length: 2_100 }, (_, i) => ({ ...account(`mel${1000 + i}`), id: randomUUID() }))
  const profile = { ...NEW_PROFILE, rev: 1, findable: 'nobody' as const, viewRevs: { friend: 0, other: 0 }, toldRev: 0 }
  await Promise.all(hidden.map((one) => users.add(one)))
  await Promise.all(hidden.map(({ id }) => profiles.save({ userId: id, ...profile, displayName: 'Tilda' })))
  await person(service, 'melzz', 'Tilda')
  for (const [q, limit] of [
    ['mel', 2],
    ['tilda', 50],
  ] as const) {
    const seen: string[] = []
    const lengths = new Set<number>()
    for (let cursor = '', pages = 0; pages < 5; pages++) {
      const { body, status } = await zed.as('GET', search(q, `&limit=${limit}${cursor}`))
      assert.equal(status, 200)
      seen.push(...names(body))
      if (pages === 0) assert.ok(body.nextCursor, `${q}: all of them were looked at for one page`)
      if (body.nextCursor === undefined) break
      lengths.add(String(body.nextCursor).length)
      assert.doesNotMatch(Buffer.from(String(body.nextCursor), 'base64url').toString('latin1'), /mel|tilda/)
      cursor = `&cursor=${body.nextCursor}`
    }
    assert.deepEqual(seen, ['melzz'], q)
    assert.equal(lengths.size, 1)
  }
})

test('a search needs a session and two characters, takes no other input, and is slowed down', async (t) => {
  const service = await openService(t, { limits: { lookUpsPerUser: 10 } })
  await service.register('ann')
  const as = service.as((await service.signIn('ann')).token)
  assert.equal((await service.call('GET', search('ann'))).status, 401)
  for (const query of ['', '?q=', '?q=a', '?q=%20a%20', '?q[$ne]=xx', '?q=aa&q=bb', `?q=${'x'.repeat(129)}`])
    assert.equal((await as('GET', `/api/user/search${query}`)).status, 400, query)
  for (const more of ['&limit=0', '&limit=x', '&cursor=', `&cursor=${'x'.repeat(601)}`])
    assert.equal((await as('GET', search('ann', more))).status, 400, more)
  assert.deepEqual(names((await as('GET', search('ann', '&cursor=%00garbage'))).body), [])
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) statuses.push((await as('GET', search('ann'))).status)
  assert.equal(statuses.at(-1), 429)
})
