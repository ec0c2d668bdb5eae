import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ROLES, type Role } from '@parley/protocol/conversation'
import { type Action, may, mayRemove } from '@parley/protocol/rights'
import type { PublicUser } from '@parley/protocol/user'
import { type TestChat, testChat } from '../chat.fixture.ts'
import type { Conversation } from '../conversation.ts'

/** A group with one of each role, and another admin and member, who say something first. */
async function groupOf(chat: TestChat) {
  const { users } = chat
  const by = { owner: users.add('owner'), admin: users.add('admin'), member: users.add('member') }
  const [admin, member] = [users.add('admin-2'), users.add('member-2')]
  const all = [by.admin, by.member, admin, member]
  const { body } = await chat.request(by.owner, 'POST', '/api/conversations', {
    title: 'G',
    memberIds: all.map(({ id }) => id),
  })
  const path = `/api/conversations/${body.id}`
  const setRole = (as: PublicUser, of: PublicUser, role: Role) =>
    chat.request(as, 'PUT', `${path}/members/${of.id}/role`, { role })
  for (const one of [by.admin, admin]) assert.equal((await setRole(by.owner, one, 'admin')).status, 200)
  const say = async (as: PublicUser) =>
    (await chat.request(as, 'POST', '/api/messages/send', { receiverId: body.id, message: 'hello' })).body.seq as number
  const roles = async (): Promise<Record<string, Role>> =>
    Object.fromEntries(
      (await chat.request(by.owner, 'GET', `${path}/members`)).body.items.map(
        ({ username, role }: { username: string; role: Role }) => [username, role],
      ),
    )
  return { id: body.id as string, path, by, others: { admin, member }, setRole, say, roles }
}

type Group = Awaited<ReturnType<typeof groupOf>>
type Ask = (chat: TestChat, group: Group, as: PublicUser) => Promise<{ status: number; body?: { code?: string } }>

/** How each right is used; each by itself in a group of its own. */
const USES: Partial<Record<Action, Ask>> = {
  'message.send': (chat, { id }, as) =>
    chat.request(as, 'POST', '/api/messages/send', { receiverId: id, message: 'hi' }),
  'message.react': async (chat, { path, others, say }, as) =>
    chat.request(as, 'PUT', `${path}/messages/${await say(others.member)}/reactions/${encodeURIComponent('👍')}`),
  'message.delete': async (chat, { path, others, say }, as) =>
    chat.request(as, 'DELETE', `${path}/messages/${await say(others.member)}`),
  'members.add': (chat, { path }, as) =>
    chat.request(as, 'POST', `${path}/members`, { userIds: [chat.users.add('new').id] }),
  'members.remove': (chat, { path, others }, as) => chat.request(as, 'DELETE', `${path}/members/${others.member.id}`),
  'members.role': (_chat, { setRole, others }, as) => setRole(as, others.member, 'admin'),
  'members.handOver': (_chat, { setRole, others }, as) => setRole(as, others.member, 'owner'),
  'details.change': (chat, { path }, as) => chat.request(as, 'PATCH', path, { title: 'New', description: 'About' }),
}

for (const action of Object.keys(USES) as Action[])
  test(`${action} is for those roles that the table of rights gives it to`, async (t) => {
    const chat = await testChat(t)
    for (const role of ROLES) {
      const group = await groupOf(chat)
      const { status, body } = await USES[action]!(chat, group, group.by[role])
      if (may(role, 'group', action)) assert.ok(status < 300, `${role}: ${status} ${JSON.stringify(body)}`)
      else assert.deepEqual([status, body?.code], [403, 'action.forbidden'], role)
    }
  })

test('one removes who stands below, and nobody removes the owner', async (t) => {
  const chat = await testChat(t)
  for (const role of ROLES)
    for (const other of ROLES) {
      const { by, others, path, roles } = await groupOf(chat)
      const target = other === 'owner' ? by.owner : others[other]
      if (by[role] === target) continue
      const { status } = await chat.request(by[role], 'DELETE', `${path}/members/${target.id}`)
      assert.equal(status, mayRemove(role, other) ? 204 : 403, `${role} removes ${other}`)
      assert.equal(target.username in (await roles()), !mayRemove(role, other))
    }
})

test('handing over makes the former owner an admin; a repeat does no harm, and there is one owner', async (t) => {
  const chat = await testChat(t)
  const { by, others, setRole, roles } = await groupOf(chat)
  const first = await setRole(by.owner, others.member, 'owner')
  assert.deepEqual(await setRole(by.owner, others.member, 'owner'), first)
  assert.deepEqual(await roles(), {
    owner: 'admin',
    admin: 'admin',
    member: 'member',
    'admin-2': 'admin',
    'member-2': 'owner',
  })
  for (const role of ['admin', 'member'] as const)
    assert.equal((await setRole(others.member, others.member, role)).body.code, 'action.forbidden')
  assert.equal((await setRole(by.owner, by.member, 'admin')).body.code, 'action.forbidden', 'is an admin now')
  assert.equal((await setRole(others.member, chat.users.add('stranger'), 'admin')).body.code, 'not_found')
})

test('an owner who leaves passes the group on to the eldest admin, else to the eldest member; with the last it ends', async (t) => {
  const chat = await testChat(t)
  const { by, others, path, setRole, roles } = await groupOf(chat)
  await setRole(by.owner, by.admin, 'member')
  const leave = (who: PublicUser) => chat.request(who, 'DELETE', `${path}/members/${who.id}`)
  assert.equal((await leave(by.owner)).status, 204)
  const after = await chat.request(others.admin, 'GET', path)
  assert.equal(after.body.me.role, 'owner', 'not the eldest, but the only admin')
  await leave(others.admin)
  assert.equal((await chat.request(by.admin, 'GET', path)).body.me.role, 'owner', 'the eldest member')
  for (const who of [by.admin, by.member, others.member]) assert.equal((await leave(who)).status, 204)
  for (const who of [by.owner, others.member]) assert.equal((await chat.request(who, 'GET', path)).status, 404)
  await assert.rejects(roles)
})

test('title and description change together or alone, are told on every device, and stay as they are when not given', async (t) => {
  const chat = await testChat(t)
  const { by, path } = await groupOf(chat)
  const [one, two] = [await chat.device(by.member), await chat.device(by.member)]
  const change = (details: object) => chat.request(by.admin, 'PATCH', path, details)
  const { body } = await change({ title: 'Tea', description: '  Mondays\nat four ' })
  assert.deepEqual([body.title, body.description], ['Tea', 'Mondays\nat four'])
  for (const device of [one, two]) {
    assert.equal((await device.next('conversation.updated')).entry.title, 'Tea')
    assert.equal((await device.next('conversation.updated')).entry.description, 'Mondays\nat four')
  }
  const { rev } = body
  assert.equal((await change({ title: 'Tea' })).body.rev, rev, 'what is so already is no change')
  assert.equal((await change({ title: 'Coffee' })).body.description, 'Mondays\nat four')
  assert.equal('description' in (await change({ description: '' })).body, false)
  for (const wrong of [{}, { title: '' }, { description: 'x'.repeat(501) }, { description: 'a\tb' }, { title: null }])
    assert.equal((await change(wrong)).status, 400, JSON.stringify(wrong))
})

test('who is made a member again, or removed, can do nothing more at once, on every node', async (t) => {
  const chat = await testChat(t, { nodes: 2 })
  for (let round = 0; round < 5; round++) {
    const { by, others, id, path, setRole, say } = await groupOf(chat)
    const admins = await chat.device(by.admin, { node: 1 })
    const seq = await say(others.member)
    const asked = (method: string, more: string, body?: object) =>
      chat.request(by.admin, method, `${path}${more}`, body, {}, 1)
    // The other node knows the group as it was, with its admin.
    assert.equal((await asked('PATCH', '', { title: `By admin ${round}` })).status, 200)
    assert.equal((await setRole(by.owner, by.admin, 'member')).status, 200)
    const refused = await Promise.all([
      asked('PATCH', '', { title: 'Mine' }),
      asked('DELETE', `/members/${others.member.id}`),
      asked('DELETE', `/messages/${seq}`),
    ])
    for (const { body } of refused) assert.equal(body.code, 'action.forbidden')
    assert.equal((await chat.request(by.owner, 'DELETE', `${path}/members/${by.admin.id}`)).status, 204)
    const send = await admins.ask('message.send', { id: randomUUID(), conversationId: id, text: 'too late' })
    assert.equal(send.error?.code, 'not_found')
    assert.equal((await asked('GET', '')).status, 404)
  }
})

test('who was promoted a moment ago on another node is not refused for what this one remembers', async (t) => {
  let remembered: Conversation | undefined
  const chat = await testChat(t, {
    store: (store) => ({
      ...store,
      log: {
        ...store.log,
        // As old as the interface lets it be.
        cachedConversation: (id, membersRev = 0) =>
          remembered?.id === id && remembered.membersRev >= membersRev
            ? remembered
            : store.log.cachedConversation(id, membersRev),
      },
    }),
  })
  const { path, id, by, others, setRole, say } = await groupOf(chat)
  const seq = await say(others.member)
  remembered = await chat.store.log.findConversation(id)
  const pin = (as: PublicUser) => chat.request(as, 'PUT', `${path}/messages/${seq}/pin`)
  assert.equal((await pin(by.member)).body.code, 'action.forbidden')
  assert.equal((await setRole(by.owner, by.member, 'admin')).status, 200)
  assert.equal((await pin(by.member)).status, 200)
  const all = { receiverId: id, message: '@all come' }
  assert.equal((await chat.request(by.member, 'POST', '/api/messages/send', all)).body.mentionsAll, true)
  assert.equal((await chat.request(by.member, 'DELETE', `${path}/messages/${seq}`)).status, 200)
  assert.equal((await setRole(by.owner, by.member, 'member')).status, 200)
  assert.equal((await pin(by.member)).body.code, 'action.forbidden')
})
