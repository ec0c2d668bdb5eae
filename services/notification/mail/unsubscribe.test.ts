import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { openParley } from '../telling.fixture.ts'
import { openUnsubscribe, UNSUBSCRIBE_PATH } from './unsubscribe.ts'

const nobody = {
  preferences: { find: async () => new Map(), change: () => assert.fail('nothing may change') },
  users: { find: async () => [] },
}

test('a token is good for the user and the kind that it was made for, and whatever else it may be changed into is none', async () => {
  const [key, other] = [randomBytes(32), randomBytes(32)]
  const unsubscribe = openUnsubscribe({ key, origin: 'https://chat.example.net', ...nobody })
  const stranger = openUnsubscribe({ key: other, origin: 'https://chat.example.net', ...nobody })
  const userId = randomUUID()
  const link = unsubscribe.link(userId, 'digest')
  assert.equal(link, unsubscribe.link(userId, 'digest'))
  const token = new URL(link).searchParams.get('token')!
  assert.deepEqual(unsubscribe.read(token), { userId, kind: 'digest' })
  assert.equal(stranger.read(token), undefined)
  assert.equal(unsubscribe.read(token.replace(userId, randomUUID())), undefined)
  assert.equal(unsubscribe.read(token.replace('digest', 'security')), undefined)
  fc.assert(
    fc.property(fc.nat({ max: token.length - 1 }), fc.string({ unit: 'binary', maxLength: 2 }), (at, put) => {
      const changed = token.slice(0, at) + put + token.slice(at + 1)
      const read = unsubscribe.read(changed)
      // The last character of base64url has bits that say nothing.
      if (read !== undefined)
        assert.deepEqual([read.userId, at === token.length - 1 || changed === token], [userId, true])
    }),
    { numRuns: 2_000 },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (guess) => {
      assert.equal(unsubscribe.read(guess), undefined)
    }),
  )
})

test('the link asks on a page that changes nothing; the POST ends the mails without a log-in, with any body, however often', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  const digest = async () => (await ann.ask('GET', '/api/notifications/preferences')).body.digest
  const path = await parley.unsubscribe(ann.id)
  const ask = (method: string, init: RequestInit = {}) =>
    fetch(`${parley.url}${path}`, { method, redirect: 'error', ...init })
  for (const method of ['GET', 'HEAD', 'GET']) assert.equal((await ask(method)).status, 200)
  const page = await (await ask('GET')).text()
  assert.match(page, /<form method="post" action="\/api\/notifications\/unsubscribe\?token=/)
  assert.equal(await digest(), true)
  const form = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
  const parts = new FormData()
  parts.set('List-Unsubscribe', 'One-Click')
  const bodies: BodyInit[] = [form, parts, '{"not json', JSON.stringify({ digest: true })]
  for (const body of bodies) {
    const reply = await ask('POST', { body })
    assert.equal(reply.status, 200)
    assert.equal(reply.headers.get('set-cookie'), null)
    assert.match(await reply.text(), /You get no more mail about unread messages/)
    assert.equal(await digest(), false)
  }
  assert.equal((await ask('POST')).status, 200, 'without a body too')
  await ann.ask('PATCH', '/api/notifications/preferences', { digest: true, locale: 'de' })
  assert.match(await (await ask('GET')).text(), /<html lang="de">[\s\S]*Keine solchen Mails mehr/)
  assert.equal(await digest(), true)
})

test('a token that is none is answered as a path that is not there, and other routes still take JSON alone', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  const path = await parley.unsubscribe(ann.id)
  for (const token of ['', 'x', '../..', `${path.split('token=')[1]}A`, 'a'.repeat(5_000), '%00', '%ff', 'a&token=b'])
    for (const method of ['GET', 'POST']) {
      const reply = await fetch(`${parley.url}${UNSUBSCRIBE_PATH}?token=${token}`, { method })
      assert.ok([400, 404].includes(reply.status), `${reply.status} ${token}`)
      assert.doesNotMatch(await reply.text(), /<form/)
    }
  assert.equal((await ann.ask('GET', '/api/notifications/preferences')).body.digest, true)
  const form = await fetch(`${parley.url}/api/notifications/preferences`, {
    method: 'PATCH',
    body: new URLSearchParams({ digest: 'false' }),
    headers: { authorization: `Bearer ${ann.token}` },
  })
  assert.equal(form.status, 415)
})

test('of an account that is gone nothing is kept, whoever uses its link', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  const path = await parley.unsubscribe(ann.id)
  await ann.ask('DELETE', '/api/user/me', { password: 'correct horse battery', messages: 'erase' })
  assert.equal((await fetch(`${parley.url}${path}`, { method: 'POST' })).status, 200)
  assert.deepEqual(await parley.preferencesOf(ann.id), undefined)
})
