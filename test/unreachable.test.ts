import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeKeys } from '@parley/kit/keys'

test('each service that cannot reach its MongoDB at its start ends and says which one, and no password', {
  timeout: 60_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-unreachable-'))
  t.after(() => rmSync(folder, { recursive: true }))
  makeKeys(join(folder, 'keys.json'))
  const env = {
    ...{
      MONGODB_URL: 'mongodb://parley:top-secret@127.0.0.1:1/parley',
      RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:1',
    },
    ...{ USER_SERVICE_URL: 'http://127.0.0.1:1', CHAT_SERVICE_URLS: 'http://127.0.0.1:1', MAIL_CAPTURE: '1' },
    ...{ PARLEY_KEY_FILE: join(folder, 'keys.json'), PARLEY_ORIGINS: 'https://chat.example.org' },
    ...{ PORT: '0', INTERNAL_PORT: '0' },
  }
  const ends = ['user', 'chat', 'notification'].map(async (service) => {
    const main = fileURLToPath(new URL(`../services/${service}/main.ts`, import.meta.url))
    const child = spawn(process.execPath, [main], { env: { PATH: process.env.PATH, ...env } })
    t.after(() => child.kill('SIGKILL'))
    const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    assert.equal(code, 1, service)
    assert.match(said, /^MongoDB at 127\.0\.0\.1:1, which MONGODB_URL names, cannot be reached: .+\n$/, service)
    assert.doesNotMatch(out + said, /secret/, service)
  })
  await Promise.all(ends)
})
