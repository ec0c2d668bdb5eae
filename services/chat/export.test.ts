import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { ExportLine } from '@parley/protocol/export'
import type { PublicUser } from '@parley/protocol/user'
import { type TestChat, testChat } from './chat.fixture.ts'

async function ask(chat: TestChat, who: PublicUser, token = chat.users.token(who)): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` }
  return fetch(`${chat.nodes[0]!.url}/api/export`, { headers, signal: AbortSignal.timeout(50_000) })
}

const linesOf = (text: string): ExportLine[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine)

async function exported(chat: TestChat, who: PublicUser): Promise<ExportLine[]> {
  const reply = await ask(chat, who)
  assert.equal(reply.status, 200)
  return linesOf(await reply.text())
}

async function say(chat: TestChat, who: PublicUser, receiverId: string, message: string): Promise<string> {
  const { status, body } = await chat.request(who, 'POST', '/api/messages/send', { receiverId, message })
  assert.equal(status, 201, JSON.stringify(body))
  return body.conversationId
}

const textsOf = (lines: readonly ExportLine[]): string[] =>
  lines.flatMap((line) => (line.type === 'message' ? [line.message.text] : []))

test('one takes along every conversation that one is in, with what one may see of it and no more', async (t) => {
  const chat = await testChat(t, { limits: { sendBurst: 2_000, sendsPerSecond: 2_000 } })
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [eve.id] })
  await say(chat, ann, group.id, 'before bob came')
  await chat.request(ann, 'POST', `/api/conversations/${group.id}/members`, { userIds: [bob.id] })
  for (let i = 0; i < 120; i++) await say(chat, i % 2 ? ann : bob, group.id, `message ${i}`)
  const direct = await say(chat, ann, bob.id, 'only for bob')
  await say(chat, ann, eve.id, 'only for eve')
  await chat.request(bob, 'PATCH', `/api/conversations/${direct}/settings`, { draft: 'begun' })
  const { body: left } = await chat.request(ann, 'POST', '/api/conversations', { title: 'L', memberIds: [bob.id] })
  await say(chat, ann, left.id, 'of a group that was left')
  await chat.request(bob, 'DELETE', `/api/conversations/${left.id}/members/${bob.id}`)

  const lines = await exported(chat, bob)
  const conversations = lines.flatMap((line) => (line.type === 'conversation' ? [line.conversation] : []))
  assert.deepEqual(new Set(conversations.map(({ id }) => id)), new Set([group.id, direct]))
  assert.equal(conversations.find(({ id }) => id === direct)?.me.settings.draft, 'begun')
  assert.deepEqual(
    new Set(textsOf(lines)),
    new Set(['only for bob', ...Array.from({ length: 120 }, (_, i) => `message ${i}`)]),
  )
  const seqs = lines.flatMap((line) =>
    line.type === 'message' && line.message.conversationId === group.id ? [line.message.seq] : [],
  )
  assert.deepEqual(
    seqs,
    Array.from({ length: 120 }, (_, i) => i + 2),
  )
  assert.deepEqual(lines.at(-1), { type: 'end', part: 'conversations', lines: lines.length - 1 })
  assert.deepEqual(await exported(chat, chat.users.add('new')), [{ type: 'end', part: 'conversations', lines: 0 }])
  assert.equal((await fetch(`${chat.nodes[0]!.url}/api/export`)).status, 401)
})

test('what one has hidden is nowhere in it, nor that someone began to write to one', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const direct = await say(chat, ann, bob.id, 'hello')
  await say(chat, ann, bob.id, 'a secret')
  const hide = { seqs: [2], hidden: true }
  assert.equal((await chat.request(bob, 'POST', `/api/conversations/${direct}/own`, hide)).status, 200)
  assert.equal((await chat.request(eve, 'PUT', `/api/conversations/direct/${bob.id}`)).status, 200)
  const lines = await exported(chat, bob)
  assert.deepEqual(
    lines.flatMap((line) => (line.type === 'conversation' ? [line.conversation.id] : [])),
    [direct],
  )
  assert.deepEqual(textsOf(lines), ['hello'])
  assert.doesNotMatch(JSON.stringify(lines), /secret|"eve"/)
})

test('who is removed while it runs, or whose session ends, gets nothing more', async (t) => {
  const chat = await testChat(t, { limits: { sendBurst: 5_000, sendsPerSecond: 5_000 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  // More than the system's buffers take, so that the rest waits for who reads.
  const { membersRev } = (await chat.store.log.findConversation(group.id))!
  const long = {
    kind: 'message' as const,
    conversationId: group.id,
    text: '三'.repeat(9_000),
    contentHash: 'ab'.repeat(16),
  }
  await Promise.all(
    Array.from({ length: 800 }, () =>
      chat.store.log.append({ ...long, id: randomUUID(), senderId: ann.id, membersRev }),
    ),
  )
  const reply = await ask(chat, bob)
  const reader = reply.body!.getReader()
  await reader.read()
  assert.equal((await chat.request(ann, 'DELETE', `/api/conversations/${group.id}/members/${bob.id}`)).status, 204)
  let text = ''
  const decoder = new TextDecoder()
  for (let part = await reader.read(); !part.done; part = await reader.read())
    text += decoder.decode(part.value, { stream: true })
  const rest = textsOf(linesOf(text.slice(text.indexOf('\n') + 1)))
  assert.ok(rest.length < 750, `${rest.length} messages`)

  const sessionId = '5b7ad0a8-1f0d-4b8e-9d1e-0d5f3a9a2c11'
  const own = await ask(chat, ann, chat.users.token(ann, { sessionId }))
  const owns = own.body!.getReader()
  await owns.read()
  chat.users.revoke(ann, sessionId)
  await chat.bus.publish({
    id: 'control',
    type: 'control.appended',
    version: 1,
    occurredAt: '',
    key: 'control',
    rev: 1,
    data: { n: 1 },
  })
  await assert.rejects(async () => {
    for (let part = await owns.read(); !part.done; part = await owns.read());
  })
})
