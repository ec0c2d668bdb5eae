import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { AlertItem, AlertPage } from '@parley/protocol/alert'
import { openParley, type Parley, type Person } from '../telling.fixture.ts'

test('one is alerted to who names one, answers one, and names everybody, once, and to nothing else that is said', async (t) => {
  const { ann, bob, cleo, group } = await three(await openParley(t))
  await ann.say(group, 'plain')
  const own = await bob.say(group, '@bob and a message')
  const named = await ann.say(group, 'so, @bob')
  const answer = await cleo.say(group, 'indeed', { replyTo: own.seq })
  const all = await ann.say(group, 'hear, @all')
  const items = await shows(bob, (found) => found.length === 4)
  assert.deepEqual(
    items.map(({ kind, seq, conversationId, actors, read }) => [kind, seq, conversationId, actors[0]?.username, read]),
    [
      ['mention.all', all.seq, group, 'ann', false],
      ['reply', answer.seq, group, 'cleo', false],
      ['mention', named.seq, group, 'ann', false],
      ['group.added', undefined, group, 'ann', false],
    ],
  )
  assert.ok(items.every((item) => !JSON.stringify(item).includes('so,') && !('text' in item)))
  assert.deepEqual(
    (await shows(cleo, (found) => found.length === 2)).map(({ kind }) => kind),
    ['mention.all', 'group.added'],
  )
  assert.deepEqual(kinds(await page(ann)), [])
})

test('reactions to one message are one alert, which goes with the last of them', async (t) => {
  const { ann, bob, cleo, group } = await three(await openParley(t))
  const { seq } = await bob.say(group, 'good?')
  const react = (who: Person, on: boolean, emoji = '👍') =>
    who.ask(on ? 'PUT' : 'DELETE', `/api/conversations/${group}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`)
  await react(bob, true)
  await react(ann, true)
  const one = (await shows(bob, (found) => found[0]?.kind === 'reaction'))[0]!
  assert.deepEqual([one.actors[0]?.username, one.actorCount, one.emoji, one.seq], ['ann', 1, '👍', seq])
  await read(bob, { ids: [one.id] })
  await react(cleo, true, '🎉')
  const [two] = await shows(bob, ([first]) => first?.actorCount === 2)
  assert.deepEqual(
    [two?.id, two?.read, two?.emoji, two?.actors.map(({ username }) => username)],
    [one.id, false, '🎉', ['cleo', 'ann']],
  )
  await react(cleo, false, '🎉')
  await react(ann, false)
  assert.deepEqual(kinds({ items: await shows(bob, (found) => found.length === 1) }), ['group.added'])
  assert.equal((await page(bob)).unread, 1)
})

test('reactions to what was deleted are no alert any more', async (t) => {
  const { ann, bob, group } = await three(await openParley(t))
  const { seq } = await bob.say(group, 'good?')
  const message = `/api/conversations/${group}/messages/${seq}`
  await ann.ask('PUT', `${message}/reactions/${encodeURIComponent('👍')}`)
  await shows(bob, ([first]) => first?.kind === 'reaction')
  assert.equal((await bob.ask('DELETE', message)).status, 200)
  assert.deepEqual(kinds({ items: await shows(bob, (found) => found.length === 1) }), ['group.added'])
})

test('nothing is told of what one has muted, of whom one has blocked, or of where one is no more', async (t) => {
  const { ann, bob, cleo, group } = await three(await openParley(t))
  await ann.say(group, 'first, @bob')
  await shows(bob, (found) => found.length === 2)
  assert.equal((await bob.ask('PUT', `/api/user/contacts/${cleo.id}/block`)).status, 200)
  await cleo.say(group, 'hello @bob')
  const level = (change: object) => bob.ask('PATCH', `/api/conversations/${group}/settings`, change)
  assert.equal((await level({ level: 'none' })).status, 200)
  const quiet = await ann.say(group, 'psst @bob @cleo')
  // Decided on for both at once.
  await shows(cleo, ([latest]) => latest?.seq === quiet.seq)
  assert.equal((await level({ level: 'mentions' })).status, 200)
  const { seq } = await ann.say(group, 'now, @bob')
  const items = await shows(bob, ([latest]) => latest?.seq === seq)
  assert.deepEqual(kinds({ items }), ['mention', 'mention', 'group.added'])
  await ann.ask('DELETE', `/api/conversations/${group}/members/${bob.id}`)
  await shows(bob, (found) => found.length === 0)
  await ann.say(group, 'gone, @bob')
  await ann.ask('POST', `/api/conversations/${group}/members`, { userIds: [bob.id] })
  assert.deepEqual(kinds({ items: await shows(bob, (found) => found.length === 1) }), ['group.added'])
})

test('one is alerted to who asks for friendship and who accepts, not to one’s own acts, and by whom one blocks to nothing', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  const contact = (who: Person, method: string, other: Person, what: string) =>
    who.ask(method, `/api/user/contacts/${other.id}${what}`)
  await contact(ann, 'PUT', bob, '/request')
  const [asked] = await shows(bob, (found) => found.length === 1)
  assert.deepEqual(
    [asked?.kind, asked?.actors[0]?.username, asked?.conversationId],
    ['contact.requested', 'ann', undefined],
  )
  await contact(bob, 'POST', ann, '/accept')
  const [accepted] = await shows(ann, (found) => found.length === 1)
  assert.deepEqual([accepted?.kind, accepted?.actors[0]?.id], ['contact.accepted', bob.id])
  await shows(bob, (found) => found.length === 0)
  await contact(ann, 'PUT', bob, '/block')
  await shows(ann, (found) => found.length === 0)
  await contact(ann, 'DELETE', bob, '/block')
  await contact(bob, 'PUT', ann, '/request')
  assert.deepEqual(kinds({ items: await shows(ann, (found) => found.length === 1) }), ['contact.requested'])
  await contact(bob, 'DELETE', ann, '/request')
  await shows(ann, (found) => found.length === 0)
})

test('one is alerted to what happens to one’s account', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  const account = { email: 'ann@example.org', password: 'correct horse battery', tokens: 'body', device: 'Phone' }
  const { body: phone } = await ann.ask('POST', '/api/user/login', account)
  const [started] = await shows(ann, (found) => found.length === 1)
  assert.deepEqual(
    [started?.kind, started?.device, started?.sessionId, started?.actorCount],
    ['session.started', 'Phone', phone.sessionId, 0],
  )
  const renew = async (refreshToken: string) => (await ann.ask('POST', '/api/user/refresh', { refreshToken })).body
  await renew((await renew(phone.refreshToken)).refreshToken)
  await renew(phone.refreshToken)
  await shows(ann, ([latest]) => latest?.kind === 'session.reused')
  await ann.ask('POST', '/api/user/password', {
    oldPassword: account.password,
    newPassword: 'another horse battery',
  })
  assert.deepEqual(kinds({ items: await shows(ann, (found) => found.length === 3) }), [
    'password.changed',
    'session.reused',
    'session.started',
  ])
})

test('pages follow on each other, what was read stays read, and what is no cursor is refused', async (t) => {
  const parley = await openParley(t)
  const { ann, bob, group } = await three(parley)
  for (let i = 0; i < 5; i++) await ann.say(group, `@bob ${i}`)
  const all = await shows(bob, (found) => found.length === 6)
  const first = await page(bob, '?limit=4')
  const second = await page(bob, `?limit=4&cursor=${first.nextCursor}`)
  assert.deepEqual([...first.items, ...second.items], all)
  assert.deepEqual([second.nextCursor, first.unread, second.unread], [undefined, 6, 6])
  assert.deepEqual((await read(bob, { ids: [all[0]!.id, all[0]!.id, 'none'] })).body.unread, 5)
  assert.deepEqual((await read(ann, { ids: [all[1]!.id] })).body.unread, 0, 'another’s is not there')
  const some = await read(bob, { upTo: all[3]!.at })
  assert.deepEqual((await read(bob, { upTo: all[3]!.at })).body, some.body)
  const reads = (await page(bob)).items.map((item) => item.read)
  assert.equal(some.body.unread, reads.filter((is) => !is).length)
  assert.ok(reads[0] && reads.slice(3).every(Boolean))
  for (const cursor of ['x', '', randomUUID(), Buffer.from('1.x').toString('base64url')])
    assert.equal((await bob.ask('GET', `/api/notifications?cursor=${cursor}`)).status, 400, cursor)
  for (const body of [{}, { ids: 'x' }, { upTo: 'yesterday' }, { ids: [], upTo: all[0]!.at }, { ids: [7] }])
    assert.equal((await read(bob, body)).status, 400, JSON.stringify(body))
  for (const limit of ['0', 'x', '-1'])
    assert.equal((await bob.ask('GET', `/api/notifications?limit=${limit}`)).status, 400)
  await parley.restart()
  assert.deepEqual(
    (await page(bob)).items.map((item) => item.read),
    reads,
  )
})

test('of who deletes the account nothing is kept, and what they did names nobody any more', async (t) => {
  const { ann, bob, cleo, group } = await three(await openParley(t))
  await ann.say(group, '@bob @cleo')
  await bob.say(group, '@cleo')
  await shows(bob, (found) => found.length === 2)
  await shows(cleo, (found) => found.length === 3)
  const gone = { password: 'correct horse battery', messages: 'keep' }
  assert.equal((await bob.ask('DELETE', '/api/user/me', gone)).status, 204)
  const [latest] = await shows(cleo, ([first]) => first?.actors[0]?.deleted === true)
  assert.deepEqual(latest?.actors, [{ id: bob.id, username: '', deleted: true }])
  assert.equal((await bob.ask('GET', '/api/notifications')).status, 401)
})

const kinds = ({ items }: Pick<AlertPage, 'items'>) => items.map(({ kind }) => kind)
const read = (who: Person, body: object) => who.ask('POST', '/api/notifications/read', body)
const page = async (who: Person, query = ''): Promise<AlertPage> =>
  (await who.ask('GET', `/api/notifications${query}`)).body

/** The alerts of a person, once they are so. */
async function shows(who: Person, holds: (items: AlertItem[]) => boolean): Promise<AlertItem[]> {
  for (const deadline = Date.now() + 10_000; ; await pause(10)) {
    const { items } = await page(who)
    if (holds(items)) return items
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${JSON.stringify(items)}`)
  }
}

/** Ann, Bob and Cleo in a group of Ann's. */
async function three(parley: Parley) {
  const [ann, bob, cleo] = [await parley.person('ann'), await parley.person('bob'), await parley.person('cleo')]
  const { body } = await ann.ask('POST', '/api/conversations', { title: 'Tea', memberIds: [bob.id, cleo.id] })
  for (const each of [bob, cleo]) await shows(each, (found) => found.length === 1)
  return { ann, bob, cleo, group: String(body.id) }
}
