import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPushService } from '@parley/infra/push-service'
import { openLog } from '@parley/kit/log'
import { startPush } from './push.ts'
import type { PushNote } from './push-note.ts'
import type { Outcome } from './store/deliveries.ts'
import type { Device } from './store/devices.ts'
import { sqliteStore } from './store/sqlite.ts'
import { vapidOf } from './vapid.ts'
import { openWebPush } from './web-push.ts'

test('a push that had to wait leaves for nobody whose session ended while it was decided on again', async (t) => {
  const push = await openPushService(t)
  const log = openLog('test', 'silent')
  const folder = mkdtempSync(join(tmpdir(), 'parley-push-'))
  const store = sqliteStore(join(folder, 'notification.db'))
  const keys = vapidOf(Buffer.alloc(32, 7))
  const { id, subscription } = push.subscribe(keys.publicKey)
  const { endpoint } = subscription
  const device: Device = {
    ...{ id, userId: 'bob', sessionId: 'over', name: '', registeredAt: 1, refused: 0 },
    address: { kind: 'webpush', endpoint, ...subscription.keys },
  }
  await store.devices.put(device, 20)
  const note: PushNote = {
    ...{ deviceId: id, conversationId: 'c', kind: 'group', title: 'Tea', seq: 1, sender: 'ann', text: 'only for bob' },
    ...{ because: 'message', count: 1 },
  }
  // Long enough ago to be decided on again.
  const at = Date.now() - 60_000
  const about = { id: `push/c/1/${id}`, channel: 'push', userId: 'bob', about: 'c/1' } as const
  await store.deliveries.plan([{ ...about, plannedAt: at, dueAt: at, payload: note }])
  const settled = Promise.withResolvers<Outcome>()
  const sender = startPush({
    ...{ store, log, services: { webpush: openWebPush(keys, 'mailto:nobody@localhost', 'full') } },
    chat: {
      async standing() {
        // Bob logs out, and Ann registers what was his, while the chat service answers.
        await store.devices.removeSession('over')
        await store.devices.put({ ...device, userId: 'ann', sessionId: 'other' }, 20)
        const message = {
          seq: 1,
          senderId: 'ann',
          sender: 'ann',
          createdAt: new Date(at).toISOString(),
          text: note.text,
        }
        const marks = {
          fromSeq: 1,
          deliveredSeq: 0,
          readSeq: 0,
          level: 'all',
          mutedUntil: null,
          active: false,
        } as const
        const rest = { kind: 'group' as const, title: 'Tea', headSeq: 1 }
        return { ...rest, messages: [message], members: [{ userId: 'bob', ...marks }] }
      },
    },
    settled: settled.resolve,
  })
  t.after(async () => {
    await sender[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  assert.deepEqual(await settled.promise, { kind: 'dropped', reason: 'device.gone' })
  assert.equal(push.pushed.length, 0)
})
