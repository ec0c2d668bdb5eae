import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { Fault } from '@parley/kit/fault'
import { openLog } from '@parley/kit/log'
import type { PrivacyPage } from '@parley/protocol/internal'
import { NEW_PROFILE, type Profile, type ProfileChange, VISIBILITIES, type Visibility } from '@parley/protocol/profile'
import fc from 'fast-check'
import type { UserLimits } from './config.ts'
import { INTERNAL_KEY, openService, PASSWORD } from './service.fixture.ts'

const LOOSE = { profileChangesPerUser: 10_000, lookUpsPerUser: 10_000, contactChangesPerUser: 10_000 }

/** Ann, Ben and Eve, signed in. */
async function people(t: TestContext, limits: Partial<UserLimits> = LOOSE) {
  const service = await openService(t, { limits })
  const person = async (name: string) => {
    const id = await service.register(name)
    const { token } = await service.signIn(name)
    const as = service.as(token)
    const patch = async (change: ProfileChange): Promise<Profile> => {
      const { status, body } = await as('PATCH', '/api/user/me/profile', change)
      assert.equal(status, 200, JSON.stringify(body))
      return body as unknown as Profile
    }
    const view = async (of: string): Promise<Record<string, unknown>> => {
      const { status, body } = await as('GET', `/api/user/users/${of}/profile`)
      return status === 200 ? body : { code: body.code, detail: body.detail, status }
    }
    const contact = (method: string, of: string, what = '') => as(method, `/api/user/contacts/${of}${what}`)
    const finds = async (name: string): Promise<string[]> => {
      const [exact, search] = await Promise.all([
        as('GET', `/api/user/users?username=${name}`),
        as('GET', `/api/user/search?q=${name}`),
      ])
      const names = ({ body }: typeof exact) => (body.items as { username: string }[]).map(({ username }) => username)
      assert.deepEqual(names(exact), names(search))
      return names(exact)
    }
    return { id, as, patch, view, contact, finds }
  }
  return { service, ann: await person('ann'), ben: await person('ben'), eve: await person('eve') }
}

const befriend = async (one: Awaited<ReturnType<typeof people>>['ann'], other: typeof one): Promise<void> => {
  await one.contact('PUT', other.id, '/request')
  await other.contact('PUT', one.id, '/request')
}

test('a profile begins empty, is changed field by field, and counts its changes', async (t) => {
  const { ann, ben } = await people(t)
  assert.deepEqual((await ann.as('GET', '/api/user/me/profile')).body, NEW_PROFILE)
  assert.deepEqual(await ben.view(ann.id), { id: ann.id, username: 'ann', viewRev: 0 })
  const named = await ann.patch({ displayName: '  Ann Émile 李 ' })
  assert.deepEqual(named, { ...NEW_PROFILE, rev: 1, displayName: 'Ann Émile 李' })
  assert.deepEqual(await ann.patch({ displayName: 'Ann Émile 李' }), named, 'no change is no change')
  await ann.patch({ bio: ' Two\nlines. ', visibility: { status: 'friends' } })
  const whole = await ann.patch({ status: { text: 'away' }, colour: 7 })
  assert.deepEqual(whole, {
    ...NEW_PROFILE,
    rev: 3,
    displayName: 'Ann Émile 李',
    bio: 'Two\nlines.',
    status: { text: 'away' },
    colour: 7,
    visibility: { bio: 'everybody', status: 'friends', lastSeen: 'everybody' },
  })
  assert.deepEqual((await ann.as('GET', '/api/user/me/profile')).body, whole)
  const person = { id: ann.id, username: 'ann', displayName: 'Ann Émile 李', colour: 7, rev: 3 }
  assert.deepEqual(await ben.view(ann.id), { ...person, bio: 'Two\nlines.', viewRev: 3 })
  assert.deepEqual((await ben.as('GET', `/api/user/users/${ann.id}`)).body, person)
  assert.deepEqual((await ben.as('GET', '/api/user/search?q=ann')).body.items, [person])
  assert.deepEqual(await ann.patch({ displayName: null, colour: null, status: null, bio: '' }), {
    ...NEW_PROFILE,
    rev: 4,
    visibility: whole.visibility,
  })
  assert.deepEqual(await ben.view(ann.id), { id: ann.id, username: 'ann', rev: 4, viewRev: 4 })
})

test('changes from two devices at once are all kept', async (t) => {
  const { ann } = await people(t)
  await Promise.all([
    ann.patch({ displayName: 'A' }),
    ann.patch({ bio: 'b' }),
    ann.patch({ colour: 1 }),
    ann.patch({ privateReceipts: true }),
    ann.patch({ visibility: { bio: 'nobody' } }),
    ann.patch({ visibility: { lastSeen: 'friends' } }),
  ])
  assert.deepEqual((await ann.as('GET', '/api/user/me/profile')).body, {
    ...NEW_PROFILE,
    rev: 6,
    displayName: 'A',
    bio: 'b',
    colour: 1,
    privateReceipts: true,
    visibility: { bio: 'nobody', status: 'everybody', lastSeen: 'friends' },
  })
})

test('a status is not there once its time has come', async (t) => {
  const { ann, ben } = await people(t)
  const expiresAt = new Date(Date.now() + 400).toISOString()
  assert.deepEqual((await ann.patch({ status: { text: 'soon over', expiresAt } })).status, {
    text: 'soon over',
    expiresAt,
  })
  assert.deepEqual((await ben.view(ann.id)).status, { text: 'soon over', expiresAt })
  while (Date.now() < Date.parse(expiresAt)) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(await ben.view(ann.id), { id: ann.id, username: 'ann', rev: 1, viewRev: 1 })
  assert.equal(((await ann.as('GET', '/api/user/me/profile')).body as unknown as Profile).status, null)
})

test('what may pass for something else, or is too long, is refused', async (t) => {
  const { ann } = await people(t)
  const long = (count: number) => '😀'.repeat(count)
  for (const change of [
    {},
    { rev: 5 },
    { displayName: '' },
    { displayName: '  ' },
    { displayName: 'a\u202Eb' },
    { displayName: 'a\u2066b' },
    { displayName: 'a\u200Fb' },
    { displayName: 'a\nb' },
    { displayName: 'a\u0000' },
    { displayName: '\u200B' },
    { displayName: '\u3164' },
    { displayName: '\u2800' },
    { displayName: '\u200D\u200D' },
    { displayName: '\uD800' },
    { displayName: `Z${'\u0321'.repeat(12)}` },
    { displayName: long(65) },
    { displayName: 'x'.repeat(10_000) },
    { displayName: { $ne: '' } },
    { bio: long(501) },
    { bio: 'a\u202Eb' },
    { bio: null },
    { status: { text: long(141) } },
    { status: { text: 'a\nb' } },
    { status: { text: ' ' } },
    { status: {} },
    { status: { text: 'a', expiresAt: 'soon' } },
    { status: { text: 'a', expiresAt: '+012026-01-01T00:00:00Z' } },
    { colour: 12 },
    { colour: -1 },
    { colour: 1.5 },
    { colour: '1' },
    { visibility: { bio: 'all' } },
    { visibility: 'nobody' },
    { findable: 'friends' },
    { privateReceipts: 1 },
  ])
    assert.equal((await ann.as('PATCH', '/api/user/me/profile', change)).status, 400, JSON.stringify(change))
  assert.deepEqual((await ann.as('GET', '/api/user/me/profile')).body, NEW_PROFILE)
  for (const displayName of [long(64), 'محمد\u200cعلی', '👩‍👩‍👧', 'กี่', 'O’Hara & Co.', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'])
    assert.equal((await ann.patch({ displayName })).displayName, displayName)
})

test('nobody else changes a profile, a foreign page does not, and who changes it too fast must wait', async (t) => {
  const { service, ann, ben } = await people(t, { profileChangesPerUser: 3 })
  assert.equal((await service.call('PATCH', '/api/user/me/profile', { bio: 'x' })).status, 401)
  assert.equal((await service.call('GET', '/api/user/me/profile')).status, 401)
  assert.equal((await service.call('GET', `/api/user/users/${ann.id}/profile`)).status, 401)
  const foreign = { origin: 'https://evil.example', authorization: 'Bearer x' }
  assert.equal((await service.call('PATCH', '/api/user/me/profile', { bio: 'x' }, foreign)).status, 403)
  for (const path of [`/api/user/users/${ann.id}/profile`, `/api/user/${ann.id}/profile`])
    assert.equal((await ben.as('PATCH', path, { bio: 'x' })).status, 404)
  await ben.patch({
    ...{ id: ann.id, userId: ann.id, rev: 40, viewRevs: { friend: 9, other: 9 }, toldRev: 9 },
    bio: 'mine',
  })
  assert.deepEqual([(await ann.view(ben.id)).bio, (await ben.view(ann.id)).bio], ['mine', undefined])
  const statuses = []
  for (let i = 0; i < 4; i++) statuses.push((await ann.as('PATCH', '/api/user/me/profile', { bio: `${i}` })).status)
  assert.deepEqual(statuses, [200, 200, 200, 429])
})

test('whom one may not see is answered exactly as nobody, either way round', async (t) => {
  const { ann, ben } = await people(t)
  await ann.patch({ bio: 'secret', displayName: 'Secret' })
  await ben.contact('PUT', ann.id, '/block')
  const nobody = await ann.view(randomUUID())
  assert.equal(nobody.status, 404)
  assert.deepEqual([await ann.view(ben.id), await ben.view(ann.id)], [nobody, nobody])
  await ben.contact('DELETE', ann.id, '/block')
  assert.equal((await ben.view(ann.id)).bio, 'secret')
})

test('who does not want to be found is found by friends only, and leaves no trace in a search', async (t) => {
  const { ann, ben, eve } = await people(t)
  await ann.patch({ findable: 'nobody' })
  assert.deepEqual([await ben.finds('ann'), await ann.finds('ann')], [[], ['ann']])
  await befriend(ann, ben)
  assert.deepEqual([await ben.finds('ann'), await eve.finds('ann')], [['ann'], []])
  await ann.patch({ displayName: 'Benjamin' })
  assert.deepEqual(await eve.finds('benjamin'), [])
  await ben.contact('DELETE', ann.id)
  assert.deepEqual(await ben.finds('ann'), [])
  await ann.patch({ findable: 'everybody' })
  assert.deepEqual(await ben.finds('ann'), ['ann'])
})

test('a device that was away is given exactly the profiles that it sees otherwise now', async (t) => {
  const { service, ann, ben, eve } = await people(t)
  const hold = async (known: object[]): Promise<Record<string, unknown>[]> => {
    const { status, body } = await ben.as('POST', '/api/user/changes', { known })
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(body.gone, [])
    return body.items as Record<string, unknown>[]
  }
  const known = [ann, eve].map(({ id }) => ({ id, viewRev: 0 }))
  assert.deepEqual(await hold([...known, { id: randomUUID(), viewRev: 0 }, { id: randomUUID(), viewRev: 4 }]), [])
  await ann.patch({ bio: 'for friends', visibility: { bio: 'friends' } })
  assert.deepEqual(await hold(known), [], 'nothing that he sees')
  await ann.patch({ displayName: 'Annie' })
  const annie = { id: ann.id, username: 'ann', displayName: 'Annie', rev: 1 }
  assert.deepEqual(await hold(known), [{ ...annie, viewRev: 1 }])
  await befriend(ann, ben)
  const asFriend = { ...annie, bio: 'for friends', viewRev: 2, friend: true }
  assert.deepEqual(await hold([{ id: ann.id, viewRev: 1 }]), [asFriend])
  assert.deepEqual(await hold([{ id: ann.id, viewRev: 2 }]), [asFriend], 'held as a stranger')
  assert.deepEqual(await hold([{ id: ann.id, viewRev: 2, friend: true }]), [])
  assert.deepEqual(await hold([{ id: ann.id, friend: true }]), [asFriend], 'of whom it holds nothing')
  await eve.contact('PUT', ben.id, '/block')
  await ben.contact('PUT', ann.id, '/block')
  assert.deepEqual(await hold([ann, eve].map(({ id }) => ({ id, viewRev: 9 }))), [])
  const many = Array.from({ length: 500 }, () => ({ id: randomUUID(), viewRev: 1 }))
  assert.deepEqual(await hold(many), [])
  for (const bad of [undefined, [...many, ...many], [{ id: 'x', viewRev: 1 }], [{ id: ann.id, viewRev: -1 }]])
    assert.equal((await ben.as('POST', '/api/user/changes', { known: bad })).status, 400)
  assert.equal((await service.call('POST', '/api/user/changes', { known })).status, 401)
})

test('a device that was away hears of who has deleted the account, and nothing of who hides by a block', async (t) => {
  const { ann, ben, eve } = await people(t)
  await eve.contact('PUT', ben.id, '/block')
  const known = [ann, eve].map(({ id }) => ({ id, viewRev: 0 }))
  const asked = async () =>
    (await ben.as('POST', '/api/user/changes', { known: [...known, { id: randomUUID() }] })).body
  assert.deepEqual(await asked(), { items: [], gone: [] })
  assert.equal((await ann.as('DELETE', '/api/user/me', { password: PASSWORD, messages: 'keep' })).status, 204)
  assert.deepEqual(await asked(), { items: [], gone: [ann.id] })
})

type Tie = 'strangers' | 'asked' | 'was asked' | 'friends' | 'blocks' | 'is blocked'

test('a field is seen by whom its setting names and is else as if it were not set, whatever the two are to each other', async (t) => {
  const { ann, ben } = await people(t)
  const visibility = fc.constantFrom<Visibility>(...VISIBILITIES)
  const becomes = async (tie: Tie): Promise<void> => {
    for (const [one, other] of [
      [ann, ben],
      [ben, ann],
    ] as const) {
      await one.contact('DELETE', other.id, '/block')
      await one.contact('DELETE', other.id)
      await one.contact('DELETE', other.id, '/request')
    }
    if (tie === 'asked' || tie === 'friends') await ben.contact('PUT', ann.id, '/request')
    if (tie === 'was asked' || tie === 'friends') await ann.contact('PUT', ben.id, '/request')
    if (tie === 'blocks') await ben.contact('PUT', ann.id, '/block')
    if (tie === 'is blocked') await ann.contact('PUT', ben.id, '/block')
  }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Tie>('strangers', 'asked', 'was asked', 'friends', 'blocks', 'is blocked'),
      fc.record({ bio: visibility, status: visibility, lastSeen: visibility }),
      fc.constantFrom('', 'about me', 'otherwise'),
      fc.constantFrom(null, { text: 'busy' }, { text: 'away', expiresAt: '9998-01-01T00:00:00.000Z' }),
      fc.boolean(),
      async (tie, visible, bio, status, shy) => {
        await becomes(tie)
        const before = await ben.view(ann.id)
        await ann.patch({ visibility: visible, bio, status, findable: shy ? 'nobody' : 'everybody' })
        const after = await ben.view(ann.id)
        if (tie === 'blocks' || tie === 'is blocked') return assert.equal(after.status, 404)
        const seen = (one: Visibility): boolean => one === 'everybody' || (one === 'friends' && tie === 'friends')
        assert.deepEqual(
          [after.bio, after.status],
          [bio !== '' && seen(visible.bio) ? bio : undefined, status && seen(visible.status) ? status : undefined],
        )
        assert.equal(after.friend, tie === 'friends' ? true : undefined)
        const { viewRev: one, rev: _, ...old } = before
        const { viewRev: other, rev: __, ...now } = after
        const same = JSON.stringify(old) === JSON.stringify(now)
        assert.equal(Number(other) - Number(one), same ? 0 : 1, 'what one does not see is not counted either')
        assert.deepEqual(await ben.finds('ann'), shy && tie !== 'friends' ? [] : ['ann'])
      },
    ),
    { numRuns: 60 },
  )
})

test('the bus hears the whole of a change, other services read who keeps something back, with the key only', async (t) => {
  const { service, ann, ben } = await people(t)
  const [hearing] = await service.heard('user.changed')
  await ann.patch({ displayName: 'Annie', bio: 'for friends', visibility: { bio: 'friends', lastSeen: 'nobody' } })
  const event = (await hearing)!
  assert.deepEqual(
    [event.key, event.rev, event.data],
    [
      ann.id,
      1,
      {
        person: { id: ann.id, username: 'ann', displayName: 'Annie', rev: 1 },
        views: { friend: { bio: 'for friends', viewRev: 1, friend: true }, other: { viewRev: 1 } },
        privacy: { privateReceipts: false, privatePresence: false, lastSeen: 'nobody' },
      },
    ],
  )
  await ben.patch({ privatePresence: true })
  const authorization = `Bearer ${INTERNAL_KEY.toString('base64url')}`
  const ask = async (path: string) =>
    (await fetch(`${service.internalUrl}${path}`, { headers: { authorization } })).json()
  const first = (await ask('/internal/privacy?limit=1')) as PrivacyPage
  const second = (await ask(`/internal/privacy?limit=1&after=${first.next}`)) as PrivacyPage
  assert.deepEqual(
    [...first.items, ...second.items].sort((one) => (one.userId === ann.id ? -1 : 1)),
    [
      { userId: ann.id, rev: 1, privateReceipts: false, privatePresence: false, lastSeen: 'nobody' },
      { userId: ben.id, rev: 1, privateReceipts: false, privatePresence: true, lastSeen: 'everybody' },
    ],
  )
  await befriend(ann, ben)
  const pair = [ann.id, ben.id].sort()
  assert.deepEqual(await ask(`/internal/friends?pairs=${ben.id}:${ann.id},${ann.id}:${randomUUID()}`), [
    { users: pair, rev: 2, friends: true },
  ])
  assert.equal((await fetch(`${service.internalUrl}/internal/privacy`)).status, 401)
  for (const path of ['/internal/privacy', `/internal/friends?pairs=${pair.join(':')}`])
    assert.ok((await fetch(service.url + path)).status >= 400)
})

test('a switch that the bus has not confirmed is refused but kept, and a repeat is answered when it holds', async (t) => {
  let away = false
  const inner = aloneBus({ log: openLog('user', 'silent') })
  t.after(() => inner[Symbol.asyncDispose]())
  const service = await openService(t, {
    bus: {
      ...inner,
      hears: () => true,
      onState: inner.onState,
      [Symbol.asyncDispose]: async () => {},
      async publish(event) {
        if (away && event.type === 'user.changed') throw new Fault('unavailable', 'Away')
        await inner.publish(event)
      },
    },
  })
  await service.register('ann')
  const as = service.as((await service.signIn('ann')).token)
  away = true
  assert.equal((await as('PATCH', '/api/user/me/profile', { bio: 'needs nobody' })).status, 200)
  for (const change of [
    { privateReceipts: true },
    { privateReceipts: true },
    { privatePresence: true },
    { visibility: { lastSeen: 'nobody' } },
  ])
    assert.equal((await as('PATCH', '/api/user/me/profile', change)).status, 503, JSON.stringify(change))
  const kept = (await as('GET', '/api/user/me/profile')).body as unknown as Profile
  assert.deepEqual([kept.privateReceipts, kept.privatePresence, kept.rev], [true, true, 4])
  away = false
  const repeated = await as('PATCH', '/api/user/me/profile', { privateReceipts: true })
  assert.deepEqual([repeated.status, repeated.body], [200, kept])
})
