import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FcmService, openFcmService } from '@parley/infra/fcm-service'
import { openPushService, type PushService } from '@parley/infra/push-service'
import type { Stack } from '@parley/infra/stack'
import type { Why } from '@parley/protocol/notification'
import { newPerson, type Person } from './person.ts'
import { SHAPES, start } from './shapes.ts'

for (const shape of SHAPES)
  test(`${shape}: who is away is pushed a message once, whichever of the processes dies`, {
    timeout: 180_000,
  }, async (t) => {
    const both = await openBoth(t)
    await using stack = await start(shape, { env: both.env })
    const { push, fcm } = both
    const { ann, ben, say } = await two(stack, both)
    const first = await say('one')
    assert.deepEqual((await push.until(1))[0]?.body.text, 'one')
    assert.equal((await fcm.until(1))[0]?.android.notification.body, 'one')
    assert.equal((await why(ben, first)).code, 'message')
    assert.equal((await why(ann, first)).code, 'own.message')

    const services = stack.names().filter((name) => name === 'parley' || name.startsWith('notification-'))
    for (const name of services) await stack.kill(name)
    if (shape === 'scale-out') await say('two')
    for (const name of services) await stack.start(name)
    if (shape === 'all-in-one') await say('two')
    const [, second] = await push.until(2)
    assert.equal(second?.body.text, 'two')
    await fcm.until(2)
    const { seq } = await say('three')
    await push.until(3)
    await fcm.until(3)
    const all = [seq - 2, seq - 1, seq]
    assert.deepEqual(
      push.pushed.map(({ body }) => body.seq),
      all,
    )
    assert.deepEqual(
      fcm.messages.map(({ data }) => Number(data.seq)),
      all,
    )
  })

const POINTS = [
  'notices.before-note',
  'notices.after-note',
  'notices.before-decide',
  'notices.after-decide',
  'delivery.before-send',
  'delivery.after-send',
] as const

test('all-in-one: a crash at any point loses no push, and shows none twice', { concurrency: 3 }, async (t) => {
  await Promise.all(
    POINTS.map((point) =>
      t.test(point, { timeout: 120_000 }, async (own) => {
        const both = await openBoth(own)
        const { push, fcm } = both
        await using stack = await start('all-in-one', { env: both.env })
        const { ben, say } = await two(stack, both)
        await stack.kill('parley')
        await stack.start('parley', { PARLEY_CRASH_AT: point })
        const died = stack.exited('parley')
        const place = await say('hello')
        await died
        await stack.start('parley')
        await Promise.all([push.until(1), fcm.until(1)])
        const states = async () => (await why(ben, place)).pushes?.map(({ state }) => state).join()
        while ((await states()) !== 'sent,sent');
        const shown = new Set(push.pushed.map(({ headers, body }) => `${headers.topic} ${JSON.stringify(body)}`))
        assert.equal(shown.size, 1)
        const shownByApp = fcm.messages.map(({ data, android }) => JSON.stringify([data, android.notification]))
        assert.equal(new Set(shownByApp).size, 1)
        // What had left before the crash leaves again, with the same topic and tag: it takes its own place.
        const copies = push.pushed.length + fcm.messages.length
        if (point === 'delivery.after-send') assert.ok(copies === 3 || copies === 4, `${copies} copies`)
        else assert.equal(copies, 2)
      }),
    ),
  )
})

/** The push service of a browser, and FCM. */
async function openBoth(t: TestContext) {
  const push = await openPushService(t)
  const fcm = await openFcmService(t, [push.certificate])
  const env: Record<string, string> = {
    ...{ PUSH_HOSTS: push.host, PUSH_GRACE_MS: '200', NODE_EXTRA_CA_CERTS: fcm.certificate },
    ...{ FCM_SERVICE_ACCOUNT: fcm.account, FCM_PROXY: fcm.proxy },
  }
  return { push, fcm, env }
}

async function two(stack: Stack, { push, fcm }: { push: PushService; fcm: FcmService }) {
  const [ann, ben] = [await newPerson(stack.url, 'ann'), await newPerson(stack.url, 'ben')]
  const { publicKey } = (await ben.get<{ publicKey: string }>('/api/notifications/push-key')).body
  const { subscription } = push.subscribe(publicKey)
  for (const device of [subscription, { kind: 'fcm', token: fcm.register(), platform: 'android' }]) {
    const { status, body } = await ben.post('/api/devices', device)
    assert.equal(status, 201, JSON.stringify(body))
  }
  return {
    ann,
    ben,
    async say(message: string) {
      const said = await ann.post<Place>('/api/messages/send', { receiverId: ben.id, message })
      assert.equal(said.status, 201, JSON.stringify(said.body))
      return said.body
    },
  }
}

interface Place {
  conversationId: string
  seq: number
}

/** As soon as it is decided. */
async function why(person: Person, { conversationId, seq }: Place): Promise<Why> {
  for (;;) {
    const { body } = await person.get<Why>(`/api/notifications/why?conversationId=${conversationId}&seq=${seq}`)
    if (body.outcome && body.outcome !== 'waiting') return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
