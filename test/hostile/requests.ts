import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { ConversationItem } from '@parley/protocol/conversation'
import type { Problem } from '@parley/protocol/fault'
import { ask, type Request } from '../http.ts'
import { freshName, PASSWORD } from '../person.ts'
import type { Town } from './town.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

export function requests(town: () => Town): void {
  /** Eve asks; the refusal says why, and nobody is harmed. */
  async function refused(what: string, method: string, path: string, request: Request, ...expected: [number, string?]) {
    const { url, eve, unharmed } = town()
    const { status, body } = await ask<Problem>(url + path, method, { token: eve.token, ...request })
    const [wanted, code] = expected
    assert.equal(status, wanted, `${what}: ${JSON.stringify(body)?.slice(0, 300)}`)
    if (code !== undefined) {
      assert.deepEqual([body.code, body.status], [code, wanted], what)
      assert.ok(body.requestId, what)
      assert.doesNotMatch(JSON.stringify(body), /node_modules|\.ts\b|\bat \w+ \(/, `${what}: no inner workings`)
    }
    await unharmed(what)
  }

  test('bodies that are no JSON, not an object, too deep, too large or not JSON by their type are refused', async () => {
    const json = 'application/json'
    const bodies: [what: string, body: string | Uint8Array, type: string, status: number, code: string][] = [
      ['text', 'not json', json, 400, 'validation.failed'],
      ['cut off', '{"receiverId":"', json, 400, 'validation.failed'],
      ['two values', '{}{}', json, 400, 'validation.failed'],
      ['null', 'null', json, 400, 'validation.failed'],
      ['a number', '1', json, 400, 'validation.failed'],
      ['a list', '[]', json, 400, 'validation.failed'],
      ['nothing in it', '{}', json, 400, 'validation.failed'],
      ['a prototype', '{"__proto__":{"receiverId":"x","message":"x"}}', json, 400, 'validation.failed'],
      ['a constructor', '{"constructor":{"prototype":{"message":"x"}}}', json, 400, 'validation.failed'],
      [
        'a BOM and invalid UTF-8',
        Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0xff, 0xfe, 0x7d]),
        json,
        400,
        'validation.failed',
      ],
      ['1,000 deep', `{"message":${nested(1_000)}}`, json, 400, 'validation.failed'],
      ['30,000 deep', nested(30_000), json, 400, 'validation.failed'],
      ['70 KB', JSON.stringify({ message: 'x'.repeat(70_000) }), json, 413, 'too_large'],
      ['1 MB', JSON.stringify({ message: 'x'.repeat(1_000_000) }), json, 413, 'too_large'],
      ['as text', '{}', 'text/plain', 415, 'unsupported'],
      ['as a form', 'receiverId=x&message=x', 'application/x-www-form-urlencoded', 415, 'unsupported'],
      ['as a form with files', '--x--', 'multipart/form-data; boundary=x', 415, 'unsupported'],
      ['as XML', '<a/>', 'application/xml', 415, 'unsupported'],
      ['as nothing', '{}', '', 415, 'unsupported'],
      ['in a charset nobody has', '{}', `${json}; charset=nonsense`, 415, 'unsupported'],
    ]
    for (const [what, body, type, status, code] of bodies)
      for (const path of ['/api/messages/send', '/api/user/login', '/api/conversations'])
        await refused(`${path}: ${what}`, 'POST', path, { body, headers: { 'content-type': type } }, status, code)
  })

  test('compressed bodies are no way around the limit', async () => {
    const send = (what: string, body: Uint8Array, encoding: string, status: number, code: string) =>
      refused(what, 'POST', '/api/messages/send', { body, headers: { 'content-encoding': encoding } }, status, code)
    await send('64 MB in 64 KB', gzipSync(Buffer.alloc(64_000_000, 0x20)), 'gzip', 413, 'too_large')
    await send('no gzip at all', Buffer.from('{}'), 'gzip', 400, 'validation.failed')
    await send('an encoding nobody has', Buffer.from('{}'), 'zip', 415, 'unsupported')
  })

  test('fields of every wrong shape are refused and named', async () => {
    const { ann } = town()
    const good = { id: randomUUID(), receiverId: ann.id, message: 'hello' }
    const odd: unknown[] = [
      null,
      0,
      true,
      '',
      [],
      {},
      { $ne: null },
      { $gt: '' },
      { $regex: '^a' },
      ['x'],
      { toString: 'x' },
    ]
    for (const field of ['id', 'receiverId', 'message'] as const)
      for (const value of odd) {
        const what = `${field} ${JSON.stringify(value)}`
        await refused(
          what,
          'POST',
          '/api/messages/send',
          { body: { ...good, [field]: value } },
          400,
          'validation.failed',
        )
      }
    for (const message of [' \n\u200b\u202e ', 'nul \0', 'lone \ud800', 'x'.repeat(10_001), '😀'.repeat(10_001)])
      await refused(
        `text ${JSON.stringify(message.slice(0, 20))}`,
        ...(['POST', '/api/messages/send', { body: { ...good, message } }, 400, 'validation.failed'] as const),
      )
    const groups = [{ title: 'x' }, { title: '', memberIds: [] }, { title: 'x', memberIds: { $in: [] } }]
    const many = { title: 'x', memberIds: Array.from({ length: 501 }, () => randomUUID()) }
    for (const body of [...groups, many, { title: 'x'.repeat(101), memberIds: [] }])
      await refused(
        `group ${JSON.stringify(body).slice(0, 50)}`,
        ...(['POST', '/api/conversations', { body }, 400, 'validation.failed'] as const),
      )
    const key = { headers: { 'idempotency-key': 'x'.repeat(300) }, body: { title: 'x', memberIds: [] } }
    await refused('a long Idempotency-Key', 'POST', '/api/conversations', key, 400, 'validation.failed')
  })

  test('queries in place of credentials sign nobody in and register nobody', async () => {
    const { ann, eve, url, unharmed } = town()
    for (const odd of [{ $ne: null }, { $gt: '' }, { $regex: '^a' }, [ann.email], true, 1, null]) {
      for (const body of [
        { email: odd, password: odd },
        { email: ann.email, password: odd },
        { email: odd, password: PASSWORD },
      ])
        await refused(`log-in ${JSON.stringify(body)}`, 'POST', '/api/user/login', { body }, 400, 'validation.failed')
      const refresh = { body: { refreshToken: odd } }
      await refused(`refresh ${JSON.stringify(odd)}`, 'POST', '/api/user/refresh', refresh, 400, 'validation.failed')
    }
    const username = freshName('mallory')
    const account = { username, email: `${username}@example.com`, password: PASSWORD }
    const accounts = [
      { ...account, password: 'short' },
      { ...account, password: 'x'.repeat(2_000) },
      { ...account, password: { $ne: null } },
      { ...account, email: 'nobody' },
      { ...account, email: 'a@b@c' },
      { ...account, email: 'x@example.com\r\nBcc: y@example.com' },
      { ...account, email: `${'x'.repeat(300)}@example.com` },
      { ...account, username: 'a' },
      { ...account, username: '<b>x</b>' },
      { ...account, username: `${username}\u202e` },
      { ...account, username: { $regex: '^a' } },
      { username, email: account.email },
    ]
    for (const body of accounts)
      await refused(
        `account ${JSON.stringify(body).slice(0, 100)}`,
        'POST',
        '/api/user/register',
        { body },
        400,
        'validation.failed',
      )
    const found = await eve.get<{ items: unknown[] }>(`/api/user/users?username=${username}`)
    assert.deepEqual([found.status, found.body.items], [200, []])
    assert.equal((await ask(`${url}/api/user/login`, 'POST', { body: account })).status, 401)
    await unharmed('accounts that were not made')
  })

  test('addresses that name nothing, or not what they should, are refused', async () => {
    const { ann, group } = town()
    const paths: [path: string, status: number, code?: string][] = [
      ['/api/messages/get/x', 400, 'validation.failed'],
      ['/api/messages/get/%7B%22%24ne%22%3Anull%7D', 400, 'validation.failed'],
      [`/api/messages/get/${ann.id}?limit=0`, 400, 'validation.failed'],
      [`/api/messages/get/${ann.id}?limit=-1`, 400, 'validation.failed'],
      [`/api/messages/get/${ann.id}?limit=many`, 400, 'validation.failed'],
      [`/api/messages/get/${ann.id}?limit=1&limit=2`, 400, 'validation.failed'],
      [`/api/messages/get/${ann.id}?before=x&after=y`, 400, 'validation.failed'],
      [`/api/messages/get/${ann.id}?before=${'x'.repeat(201)}`, 400, 'validation.failed'],
      ['/api/messages/get/%00', 400],
      ['/api/messages/get/%E0%A4%A', 400],
      [`/api/messages/get/${randomUUID()}`, 404, 'not_found'],
      [`/api/conversations/${group}/log?after=-1`, 400, 'validation.failed'],
      ['/api/conversations/x', 400, 'validation.failed'],
      ['/api/sync?limit=x', 400, 'validation.failed'],
      ['/api/sync?cursor=forged', 400, 'validation.failed'],
      ['/api/user/users', 400, 'validation.failed'],
      ['/api/user/users/x', 404, 'not_found'],
      ['/api/nothing', 404, 'not_found'],
    ]
    for (const [path, status, code] of paths)
      await refused(path, 'GET', path, {}, ...((code ? [status, code] : [status]) as [number, string?]))
    for (const method of ['PUT', 'DELETE', 'PATCH'])
      await refused(`${method} send`, method, '/api/messages/send', { body: {} }, 404, 'not_found')
  })

  test('a cursor of someone else, or a changed one, opens nothing', async () => {
    const { ann, eve, unharmed } = town()
    const { body } = await ann.get<{ cursor: string }>('/api/sync')
    const cursors = [body.cursor, `${body.cursor}x`, body.cursor.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A'))]
    for (const cursor of cursors) {
      const reply = await eve.get<Problem>(`/api/sync?cursor=${encodeURIComponent(cursor)}`)
      assert.deepEqual([reply.status, reply.body.code], [400, 'validation.failed'])
    }
    await unharmed('foreign cursors')
  })

  test('what is foreign and what is absent are answered alike', async () => {
    const { url, ann, ben, eve, group, unharmed } = town()
    const device = await eve.connect()
    const read = await ann.get<{ items: { id: string }[] }>(`/api/conversations/${group}/messages?limit=1`)
    const id = read.body.items[0]!.id
    const routes: [method: string, path: (id: string) => string, body?: (id: string) => object][] = [
      ['GET', (c) => `/api/conversations/${c}`],
      ['PATCH', (c) => `/api/conversations/${c}`, () => ({ title: 'Eve’s' })],
      ['GET', (c) => `/api/conversations/${c}/members`],
      ['POST', (c) => `/api/conversations/${c}/members`, () => ({ userIds: [eve.id] })],
      ['DELETE', (c) => `/api/conversations/${c}/members/${eve.id}`],
      ['DELETE', (c) => `/api/conversations/${c}/members/${ann.id}`],
      ['GET', (c) => `/api/conversations/${c}/messages`],
      ['GET', (c) => `/api/conversations/${c}/log?after=0`],
      ['GET', (c) => `/api/conversations/${c}/log?after=1000000`],
      ['POST', (c) => `/api/conversations/${c}/receipts`, () => ({ readSeq: 1 })],
      ['GET', (c) => `/api/messages/get/${c}`],
      ['POST', () => '/api/messages/send', (c) => ({ receiverId: c, message: 'let me in' })],
      ['POST', () => '/api/messages/send', (c) => ({ id, receiverId: c, message: 'let me in' })],
    ]
    for (const [method, path, body] of routes) {
      const [foreign, absent] = await Promise.all(
        [group, randomUUID()].map((c) =>
          ask<Problem>(url + path(c), method, { token: eve.token, ...(body && { body: body(c) }) }),
        ),
      )
      const what = `${method} ${path(group)}`
      assert.equal(foreign!.status, 404, what)
      assert.deepEqual({ ...foreign!.body, requestId: '' }, { ...absent!.body, requestId: '' }, what)
      await unharmed(what)
    }
    const events = [
      ['message.send', { id, text: 'let me in' }],
      ['receipt.delivered', { upToSeq: 1 }],
      ['receipt.read', { upToSeq: 1 }],
      ['typing.start', {}],
      ['typing.stop', {}],
      ['sync', { rev: 0 }],
    ] as const
    for (const [event, data] of events) {
      const [foreign, absent] = await Promise.all(
        [group, randomUUID()].map((conversationId) => device.ask(event, { ...data, conversationId })),
      )
      assert.ok(foreign && !foreign.ok && absent && !absent.ok, event)
      assert.equal(foreign.error.code, 'not_found', event)
      assert.deepEqual({ ...foreign.error, requestId: '' }, { ...absent.error, requestId: '' }, event)
      await unharmed(event)
    }
    const { data } = (await device.ask('presence.subscribe', { userIds: [ann.id, ben.id, randomUUID()] })) as {
      data?: unknown
    }
    assert.deepEqual(data, { items: [] }, 'nor does one learn who of them is there')
    for (const event of ['join', 'joinRoom', 'subscribe']) {
      const ack = await device.ask(event, group)
      assert.equal(!ack.ok && ack.error.code, 'unsupported', event)
    }
    await unharmed('naming others’ rooms')
    assert.deepEqual(device.untaken(), [], 'and Eve heard nothing of it')
    device.socket.disconnect()
    const { status, body } = await ann.get<ConversationItem>(`/api/conversations/${group}`)
    assert.deepEqual([status, body.title, body.memberCount], [200, 'Ann’s', 2])
    assert.deepEqual((await ann.get<object>(`/api/user/users/${ben.id}`)).body, { id: ben.id, username: ben.name })
  })
}
