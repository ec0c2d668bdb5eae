import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import type { AlertNews } from '@parley/protocol/alert'
import type { ToldSecurityEvent } from '@parley/protocol/security'
import { sqliteStore } from '../store/sqlite.ts'

const USER = randomUUID()

for (const point of ['alerts.before-store', 'alerts.after-store', 'alerts.after-told'] as const)
  test(`an alert whose service dies at ${point} is there once, and told, when the event comes again`, async (t) => {
    const take = open(t)
    const first = await take(point)
    assert.equal(first.signal, 'SIGKILL')
    const again = await take('')
    assert.deepEqual([again.code, again.told.length], [0, 1])
    assert.deepEqual(
      again.told.map(({ rev, unread, items }) => [rev, unread, items?.map(({ kind, device }) => `${kind} ${device}`)]),
      [[1, 1, ['session.started Phone']]],
    )
    await using store = sqliteStore(take.path)
    assert.deepEqual((await store.alerts.list(USER, undefined, 10)).length, 1)
  })

function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-alerts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'notification.db')
  const [id, at] = [randomUUID(), new Date().toISOString()]
  const data: ToldSecurityEvent = {
    ...{ userId: USER, username: 'ann', email: 'ann@example.org' },
    ...{ at, kind: 'session.started', sessionId: randomUUID(), device: 'Phone' },
  }
  const event = { id, type: 'security.noted', version: 1, occurredAt: at, key: id, rev: 1, data }
  /** Takes the event once; gives how the process ended, and what was told. */
  const take = async (crashAt: string) => {
    const program = new URL('./crash.fixture.ts', import.meta.url).pathname
    const env = { ...process.env, STORE: path, EVENT: JSON.stringify(event), PARLEY_CRASH_AT: crashAt }
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    const told = output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as AlertNews)
    return { code, signal, told }
  }
  return Object.assign(take, { path })
}
