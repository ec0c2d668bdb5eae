import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPushService, type PushService } from '@parley/infra/push-service'
import type { Stack } from '@parley/infra/stack'
import type { Why } from '@parley/protocol/notification'
import { newPerson, type Person } from './person.ts'
import { SHAPES, start } from './shapes.ts'

for (const shape of SHAPES)
  test(`${shape}: who is away is pushed a message once, whichever of the processes dies`, {
    timeout: 180_000,
  }, async (t) => {
    const push = await openPushService(t)
    await using stack = await start(shape, { env: envOf(push) })
    const { ann, ben, say } = await two(stack, push)
    const first = await say('one')
    assert.deepEqual((await push.until(1))[0]?.body.text, 'one')
    assert.equal((await why(ben, first)).code, 'message')
    assert.equal((await why(ann, first)).code, 'own.message')

    const services = stack.names().filter((name) => name === 'parley' || name.startsWith('notification-'))
    for (const name of services) await stack.kill(name)
    if (shape === 'scale-out') await say('two')
    for (const name of services) await stack.start(name)
    if (shape === 'all-in-one') await say('two')
    const [, second] = await push.until(2)
    assert.equal(second?.body.text, 'two')
    const { seq } = await say('three')
    await push.until(3)
    assert.deepEqual(
      push.pushed.map(({ body }) => body.seq),
      [seq - 2, seq - 1, seq],
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
        const push = await openPushService(own)
        await using stack = await start('all-in-one', { env: envOf(push) })
        const { ben, say } = await two(stack, push)
        await stack.kill('parley')
        await stack.start('parley', { PARLEY_CRASH_AT: point })
        const died = stack.exited('parley')
        const place = await say('hello')
        await died
        await stack.start('parley')
        await push.until(1)
        while ((await why(ben, place)).pushes?.[0]?.state !== 'sent');
        const shown = new Set(push.pushed.map(({ headers, body }) => `${headers.topic} ${JSON.stringify(body)}`))
        assert.equal(shown.size, 1)
        // What had left before the crash leaves again, with the same topic and tag: it takes its own place.
        assert.equal(push.pushed.length, point === 'delivery.after-send' ? 2 : 1)
      }),
    ),
  )
})

const envOf = (push: PushService): Record<string, string> => ({
  PUSH_HOSTS: push.host,
  PUSH_GRACE_MS: '200',
  NODE_EXTRA_CA_CERTS: push.certificate,
})

async function two(stack: Stack, push: PushService) {
  const [ann, ben] = [await newPerson(stack.url, 'ann'), await newPerson(stack.url, 'ben')]
  const { publicKey } = (await ben.get<{ publicKey: string }>('/api/notifications/push-key')).body
  const { subscription } = push.subscribe(publicKey)
  const { status, body } = await ben.post('/api/devices', subscription)
  assert.equal(status, 201, JSON.stringify(body))
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
