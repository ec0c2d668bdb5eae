import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { listen } from './http.ts'
import { httpDirectory } from './http-directory.ts'
import { openLog } from './log.ts'

test('the user service is asked with the internal key, in addresses that are not too long', async (t) => {
  const http = await listen({ host: '127.0.0.1', port: 0, log: openLog('test', 'silent') })
  t.after(() => http[Symbol.asyncDispose]())
  const key = randomBytes(32)
  const asked: number[] = []
  http.routes.get('/internal/users', (req, res) => {
    assert.equal(req.headers.authorization, `Bearer ${key.toString('base64url')}`)
    const ids = String(req.query.ids).split(',')
    asked.push(ids.length)
    res.json(ids.map((id) => ({ id, username: 'someone' })))
  })
  const directory = httpDirectory(`http://127.0.0.1:${http.port}`, key)
  const ids = Array.from({ length: 500 }, () => randomUUID())
  assert.deepEqual(
    (await directory.find(ids)).map((user) => user.id),
    ids,
  )
  assert.equal(
    asked.reduce((sum, n) => sum + n),
    500,
  )
  assert.deepEqual(await directory.find([]), [])
})

test('a user service that is away, refuses or answers nonsense is unavailable, which may pass', async (t) => {
  const http = await listen({ host: '127.0.0.1', port: 0, log: openLog('test', 'silent') })
  t.after(() => http[Symbol.asyncDispose]())
  http.routes.get('/internal/control', (_req, res) => void res.send('<html>'))
  const there = httpDirectory(`http://127.0.0.1:${http.port}`, randomBytes(32))
  await assert.rejects(there.jwks(), { code: 'unavailable' })
  await assert.rejects(there.control(0, 1), { code: 'unavailable' })
  const nowhere = httpDirectory('http://127.0.0.1:1', randomBytes(32))
  await assert.rejects(nowhere.find([randomUUID()]), { code: 'unavailable' })
})
