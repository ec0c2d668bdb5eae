import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService } from './service.fixture.ts'

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
