import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import type { Mail } from '@parley/protocol/mail'
import { captureMail, showCapturedMail } from './captured-mail.ts'

const SOON = '2030-01-01T00:30:00.000Z'
const RESET: Mail = {
  kind: 'password.reset',
  to: 'ann@example.org',
  username: 'ann',
  link: 'http://localhost:3000/password/reset#secret-of-ann',
  expiresAt: SOON,
}

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-mail-'))
  const log = openLog('test', 'silent')
  const stack = new AsyncDisposableStack()
  t.after(async () => {
    await stack.disposeAsync()
    rmSync(folder, { recursive: true })
  })
  const http = stack.use(await listen({ host: '127.0.0.1', port: 0, log }))
  const bus = stack.use(embeddedBus({ log }))
  const clock = { now: Date.parse('2030-01-01T00:00:00.000Z') }
  const path = join(folder, 'mail.db')
  const mail = stack.use(await captureMail(path, bus, () => clock.now))
  showCapturedMail(http.routes, mail)
  const send = (data: Mail, id: string = randomUUID()) =>
    bus.publish({
      id,
      type: 'mail.requested',
      version: 1,
      occurredAt: '2030-01-01T00:00:00.000Z',
      key: id,
      rev: 1,
      data,
    })

  /** As nothing but a plain HTTP client can ask: with any `Host`. */
  const get = (at: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: http.port, path: at, headers }, (res) => {
        let text = ''
        res.on('data', (data) => (text += data))
        res.on('end', () => resolve({ status: res.statusCode!, text }))
      })
      asked.on('error', reject).end()
    })
  return { path, bus, clock, mail, send, get }
}

test('a captured mail is shown as a page and as data, the latest on top, and once however often it comes', async (t) => {
  const { send, get } = await open(t)
  assert.match((await get('/dev/mail')).text, /Nothing was sent yet/)
  const id = randomUUID()
  for (let i = 0; i < 3; i++) await send(RESET, id)
  await send({ kind: 'password.changed', to: 'ben@example.org', username: 'ben' })
  const { items } = JSON.parse((await get('/dev/mail.json')).text)
  assert.deepEqual(
    items.map((one: { to: string }) => one.to),
    ['ben@example.org', 'ann@example.org'],
  )
  const { text } = await get('/dev/mail')
  assert.match(text, /href="http:\/\/localhost:3000\/password\/reset#secret-of-ann"/)
  assert.match(text, /Hello ben, the password of this account was changed/)
})

test('what a stranger chose is text on the page, whatever it looks like', async (t) => {
  const { send, get } = await open(t)
  const nasty = `"><script>alert(1)</script>'&`
  await send({ ...RESET, to: nasty, username: nasty, link: `javascript:alert(1)${nasty}`, expiresAt: SOON })
  const { text } = await get('/dev/mail')
  assert.doesNotMatch(text, /<script|'&[^#]|"><s/)
  assert.match(text, /&#60;script&#62;/)
})

test('only who is at this machine, and asks it by its own name and without a proxy, reads mail', async (t) => {
  const { send, get } = await open(t)
  await send(RESET)
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

test('the file holds the last 200 mails, and no link that has ended', async (t) => {
  const { path, clock, mail, send } = await open(t)
  for (let i = 0; i < 205; i++) await send({ ...RESET, username: `u${i}` })
  assert.equal(mail.list().length, 200)
  assert.equal(mail.list()[0]?.username, 'u204')
  assert.ok(mail.list()[0]?.link)
  clock.now = Date.parse(SOON)
  assert.equal(mail.list()[0]?.link, undefined)
  const db = new DatabaseSync(path, { readOnly: true })
  t.after(() => db.close())
  assert.deepEqual(
    { ...db.prepare('SELECT count(*) AS letters, count(link) AS links FROM letters').get() },
    { letters: 200, links: 0 },
  )
})

test('what was taken from the bus is there when opened again', async (t) => {
  const { path, mail, send } = await open(t)
  await send(RESET)
  const log = openLog('test', 'silent')
  await using bus = embeddedBus({ log })
  await using again = await captureMail(path, bus, () => Date.parse('2030-01-01T00:00:00.000Z'))
  assert.deepEqual(again.list(), mail.list())
  assert.equal(again.list()[0]?.link, RESET.link)
})
