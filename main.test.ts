import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-main-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function start(
  t: TestContext,
  env: Record<string, string>,
): { process: ChildProcess; said(text: RegExp): Promise<string> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env.PATH, PORT: '0', PARLEY_BCRYPT_COST: '4', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => (output += data))
  return {
    process: child,
    async said(text) {
      const late = AbortSignal.timeout(10_000)
      while (!text.test(output))
        await Promise.race([once(child.stdout!, 'data', { signal: late }), once(child, 'exit', { signal: late })])
      return output
    },
  }
}

const urlIn = (output: string): string => /http:\/\/localhost:\d+/.exec(output)![0]

async function post(
  url: string,
  body: object,
  token?: string,
): Promise<{ status: number; body: Record<string, string> }> {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: reply.status, body: (await reply.json()) as Record<string, string> }
}

async function read(url: string, token: string): Promise<unknown> {
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()
}

test('the first start says how to log in, and what was acknowledged is there after a kill', async (t) => {
  const data = join(folder(t), 'data')
  const first = start(t, { PARLEY_DATA: data })
  const output = await first.said(/ben@example\.com {3}password: (\S+)/)
  const password = /ann@example\.com {3}password: (\S+)/.exec(output)![1]!
  const login = await post(`${urlIn(output)}/api/user/login`, { email: 'ann@example.com', password, tokens: 'body' })
  const { token, user } = login.body as unknown as { token: string; user: { id: string } }
  const sent = await post(`${urlIn(output)}/api/messages/send`, { receiverId: user.id, message: 'kept' }, token)
  assert.equal(sent.status, 201)
  first.process.kill('SIGKILL')
  await once(first.process, 'exit')

  const startedAt = performance.now()
  const second = start(t, { PARLEY_DATA: data })
  const url = urlIn(await second.said(/is ready/))
  t.diagnostic(`ready again after ${Math.round(performance.now() - startedAt)} ms`)
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  const history = await fetch(`${url}/api/messages/get/${user.id}`, { headers: { authorization: `Bearer ${token}` } })
  const { conversation } = (await history.json()) as { conversation: { message: string }[] }
  assert.deepEqual(
    conversation.map((m) => m.message),
    ['kept'],
  )
  second.process.kill('SIGTERM')
  const [code] = await once(second.process, 'exit')
  assert.equal(code, 0)
  assert.doesNotMatch(await second.said(/is ready/), /password/)
})

test('who joins by a link while the process dies between that and the answer is in once, and the link is used once', async (t) => {
  const data = join(folder(t), 'data')
  const first = start(t, { PARLEY_DATA: data })
  const output = await first.said(/ben@example\.com {3}password: (\S+)/)
  const tokenOf = async (name: string): Promise<string> => {
    const password = new RegExp(`${name}@example\\.com {3}password: (\\S+)`).exec(output)![1]!
    const login = { email: `${name}@example.com`, password, tokens: 'body' }
    return (await post(`${urlIn(output)}/api/user/login`, login)).body.token!
  }
  const [ann, ben] = [await tokenOf('ann'), await tokenOf('ben')]
  const group = await post(`${urlIn(output)}/api/conversations`, { title: 'G', memberIds: [] }, ann)
  const path = `/api/conversations/${group.body.id}`
  const invite = await post(`${urlIn(output)}${path}/invites`, { maxUses: 1 }, ann)
  first.process.kill('SIGTERM')
  await once(first.process, 'exit')

  const doomed = start(t, { PARLEY_DATA: data, PARLEY_CRASH_AT: 'append.after-commit' })
  const joining = `/api/invites/${invite.body.code}/join`
  await assert.rejects(post(`${urlIn(await doomed.said(/is ready/))}${joining}`, {}, ben), 'there is no answer')
  const again = start(t, { PARLEY_DATA: data })
  const url = urlIn(await again.said(/is ready/))
  assert.equal((await post(`${url}${joining}`, {}, ben)).status, 200)
  const { items } = (await read(`${url}${path}/log?after=0`, ann)) as { items: { kind: string }[] }
  assert.deepEqual(
    items.map(({ kind }) => kind),
    ['created', 'invite.created', 'members.added'],
  )
  assert.deepEqual(await read(`${url}${path}/invites`, ann), { items: [] }, 'it is used up')
})

test('everything that is wrong with the settings is said at once, and ends with 1', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const parley = start(t, {
    PORT: String((server.address() as AddressInfo).port),
    PARLEY_DATA: '/dev/null/data',
    PARLEY_ORIGINS: '*',
    PARLEY_LIMIT_PAGE_MAX: 'many',
    LOG_LEVEL: 'loud',
  })
  const [code] = await once(parley.process, 'close')
  assert.equal(code, 1)
  const output = await parley.said(/./)
  for (const wrong of [/Port \d+ .* is in use/, /data folder/, /PARLEY_ORIGINS/, /PARLEY_LIMIT_PAGE_MAX/, /LOG_LEVEL/])
    assert.match(output, wrong)
  assert.doesNotMatch(output, /\n {4}at /)
})

test('what who deleted an account wrote is erased, though the process dies in the middle of it', async (t) => {
  const data = join(folder(t), 'data')
  const first = start(t, { PARLEY_DATA: data, PARLEY_CRASH_AT: 'departure.middle' })
  const url = urlIn(await first.said(/is ready/))
  const person = async (name: string) => {
    const account = { username: name, email: `${name}@example.org`, password: 'correct horse battery' }
    await post(`${url}/api/user/register`, account)
    const { token, user } = (await post(`${url}/api/user/login`, { ...account, tokens: 'body' })).body as unknown as {
      token: string
      user: { id: string }
    }
    return { token, id: user.id, account }
  }
  const [ann, ben] = [await person('anna'), await person('benno')]
  const groups: string[] = []
  for (let i = 0; i < 25; i++) {
    const made = await post(`${url}/api/conversations`, { title: `Group ${i}`, memberIds: [ann.id] }, ben.token)
    groups.push(made.body.id!)
    await post(`${url}/api/messages/send`, { receiverId: made.body.id, message: 'to be erased' }, ann.token)
  }
  const wish = {
    method: 'DELETE',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ann.token}` },
  }
  const body = JSON.stringify({ password: ann.account.password, messages: 'erase' })
  assert.equal((await fetch(`${url}/api/user/me`, { ...wish, body })).status, 204)
  await once(first.process, 'exit', { signal: AbortSignal.timeout(20_000) })

  const second = start(t, { PARLEY_DATA: data })
  const again = urlIn(await second.said(/is ready/))
  const login = await post(`${again}/api/user/login`, { ...ben.account, tokens: 'body' })
  const headers = { authorization: `Bearer ${login.body.token}` }
  const late = AbortSignal.timeout(20_000)
  for (const id of groups)
    for (;;) {
      const log = (await (
        await fetch(`${again}/api/conversations/${id}/log?after=0&limit=200`, { headers })
      ).json()) as {
        items: { kind: string; deleted?: boolean }[]
      }
      const kinds = log.items.map(({ kind }) => kind)
      if (kinds.length === 4) {
        assert.deepEqual(kinds, ['created', 'message', 'message.deleted', 'members.removed'])
        assert.equal(log.items[1]!.deleted, true)
        break
      }
      late.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  assert.equal((await post(`${again}/api/user/login`, ann.account)).status, 401)
})
