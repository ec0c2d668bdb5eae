import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { Fault } from '@parley/kit/fault'
import { openLog } from '@parley/kit/log'
import { openNotices } from './notices.ts'
import { sqliteStore } from './store/sqlite.ts'

test('however often was decided in a conversation, it is soon decided there when the chat service was away for once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-notices-'))
  const log = openLog('test', 'silent')
  const [store, bus] = [sqliteStore(join(folder, 'notification.db')), aloneBus({ log })]
  let refuse: (() => void) | undefined
  let headSeq = 0
  const notices = await openNotices(
    {
      ...{ store, bus, log, unread: async () => {}, planned: () => undefined },
      chat: {
        async standing() {
          if (refuse) {
            refuse()
            throw new Fault('unavailable', 'away')
          }
          return { kind: 'direct', title: '', headSeq, messages: [], members: [] }
        },
      },
    },
    { graceMs: 1 },
  )
  t.after(async () => {
    await notices[Symbol.asyncDispose]()
    await bus[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  const say = (): Promise<void> => {
    const conversations = [{ conversationId: 'c', seq: ++headSeq }]
    const event = { id: randomUUID(), version: 1 as const, occurredAt: new Date().toISOString(), key: 'c', rev: 1 }
    return bus.publish({ ...event, type: 'messages.created', data: { conversations, senderIds: [] } })
  }
  const decided = async (): Promise<void> => {
    for (const deadline = Date.now() + 10_000; !(await store.watches.round('c', headSeq)); await pause(10))
      assert.ok(Date.now() < deadline, 'not within 10 s')
  }
  for (let n = 0; n < 6; n++) {
    await say()
    await decided()
  }
  const refused = new Promise<void>((resolve) => {
    refuse = resolve
  })
  await say()
  await refused
  refuse = undefined
  await decided()
})
