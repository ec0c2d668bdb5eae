import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { showCapturedMail } from './captured-page.ts'
import { INTERNAL_KEY, notice, ORIGIN, openService, reset } from './service.fixture.ts'

async function open(t: TestContext) {
  const service = await openService(t)
  showCapturedMail(service.http.routes, service.captured!)
  const items = async () => JSON.parse((await service.get('/dev/mail.json')).text).items
  return { ...service, items }
}

test('a captured mail is shown as a page and as data, the latest on top, and once however often it comes', async (t) => {
  const { ask, get, items, outcome, clock } = await open(t)
  assert.match((await get('/dev/mail')).text, /Nothing was sent yet/)
  const id = randomUUID()
  for (let i = 0; i < 3; i++) await ask(reset(clock), id)
  assert.deepEqual(await outcome(id), { kind: 'sent' })
  await outcome(await ask(notice({ to: 'ben@example.org', username: 'ben' })))
  assert.deepEqual(
    (await items()).map((one: { to: string }) => one.to),
    ['ben@example.org', 'ann@example.org'],
  )
  const { text } = await get('/dev/mail')
  assert.ok(text.includes(`href="${ORIGIN}/password/reset#secret-of-ann"`))
  assert.match(text, /Hello ben,<\/p>\n<p>The password of this account was changed/)
})

test('what a stranger chose is text on the page, whatever it looks like', async (t) => {
  const { ask, outcome, get, clock } = await open(t)
  const nasty = `"><script>alert(1)</script>'&`
  await outcome(await ask(reset(clock, { to: nasty, username: nasty, link: `javascript:alert(1)${nasty}` })))
  const { text } = await get('/dev/mail')
  assert.doesNotMatch(text, /<script|'&[^#]|"><s/)
  assert.match(text, /&#60;script&#62;/)
})

test('only who is at this machine, and asks it by its own name and without a proxy, reads mail', async (t) => {
  const { ask, outcome, get, clock } = await open(t)
  await outcome(await ask(reset(clock)))
  for (const path of ['/dev/mail', '/dev/mail.json']) {
    assert.equal((await get(path, { host: 'localhost:3000' })).status, 200)
    for (const headers of [
      { host: 'evil.example' },
      { host: 'localhost.evil.example' },
      { host: 'localhost:3000@evil.example' },
      { 'x-forwarded-for': '127.0.0.1' },
      { 'x-forwarded-host': 'localhost' },
      { forwarded: 'for=127.0.0.1' },
      { via: '1.1 proxy' },
    ] as Record<string, string>[]) {
      const { status, text } = await get(path, headers)
      assert.equal(status, 404, JSON.stringify(headers))
      assert.doesNotMatch(text, /ann@/)
    }
  }
})

test('a link is shown until it ends, and is in no part of the store after that', async (t) => {
  const { ask, outcome, items, clock, store } = await open(t)
  await outcome(await ask(reset(clock)))
  assert.ok((await items())[0].link)
  clock.now += 30 * 60_000
  const [letter] = await items()
  assert.equal(letter.link, undefined)
  assert.ok(letter.expiresAt)
  clock.now -= 30 * 60_000
  assert.equal((await store.captured.list(clock.now))[0]?.link, undefined)
})

test('captured mail is read at the internal port by who holds the key, and by nobody else', async (t) => {
  const { ask, outcome, internal, get, clock } = await open(t)
  await outcome(await ask(reset(clock)))
  const authorization = `Bearer ${INTERNAL_KEY.toString('base64url')}`
  const { status, text } = await internal('/internal/mail', { authorization })
  assert.deepEqual([status, JSON.parse(text).items[0].to], [200, 'ann@example.org'])
  assert.equal((await internal('/internal/mail')).status, 401)
  assert.equal((await get('/internal/mail', { authorization })).status, 404)
})

test('what was captured is there when the service is opened again', async (t) => {
  const service = await open(t)
  await service.outcome(await service.ask(reset(service.clock)))
  const before = await service.items()
  const again = await openService(t, { beside: service })
  assert.deepEqual(JSON.parse(JSON.stringify(await again.captured!.list())), before)
})
