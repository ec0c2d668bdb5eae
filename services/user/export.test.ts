import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExportLine } from '@parley/protocol/export'
import { openService, type Service } from './service.fixture.ts'

async function exported(service: Service, token: string): Promise<ExportLine[]> {
  const reply = await fetch(`${service.url}/api/user/export`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(reply.status, 200)
  assert.equal(reply.headers.get('content-disposition'), 'attachment; filename="parley-account.ndjson"')
  const text = await reply.text()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine)
}

test('one takes along account, profile, sessions and contacts, and nothing of anybody else', async (t) => {
  const service = await openService(t, { limits: { contactChangesPerUser: 1_000, outgoingRequestsPerUser: 1_000 } })
  await service.register('ann')
  const others: string[] = []
  for (let i = 0; i < 130; i++) others.push(await service.register(`other${i}`))
  const { token, user } = await service.signIn('ann', { device: 'laptop' })
  const as = service.as(token)
  for (const id of others) assert.equal((await as('PUT', `/api/user/contacts/${id}/request`)).status, 200)
  await as('PUT', `/api/user/contacts/${others[0]}/block`)
  const lines = await exported(service, token)
  assert.deepEqual(lines[0], { type: 'account', account: user })
  assert.deepEqual(
    lines.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]),
    ['account', 'profile', 'session', 'contact', 'end'],
  )
  const contacts = lines.flatMap((line) => (line.type === 'contact' ? [[line.list, line.contact.userId]] : []))
  assert.deepEqual(
    contacts.filter(([list]) => list === 'blocked'),
    [['blocked', others[0]]],
  )
  assert.deepEqual(
    new Set(contacts.filter(([list]) => list === 'outgoing').map(([, id]) => id)),
    new Set(others.slice(1)),
  )
  assert.deepEqual(lines.at(-1), { type: 'end', part: 'account', lines: lines.length - 1 })
  const text = JSON.stringify(lines)
  for (const secret of ['$2b$', 'other1@example.org', 'refreshToken', 'passwordHash'])
    assert.ok(!text.includes(secret), secret)
  assert.equal((await service.call('GET', '/api/user/export')).status, 401)
})
