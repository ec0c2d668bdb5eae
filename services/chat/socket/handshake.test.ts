import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { testChat } from '../chat.fixture.ts'
import { testDevice } from '../device.fixture.ts'
import { rawDevice, rawSocket } from './raw.fixture.ts'

/** Asks for a WebSocket and gives status and Retry-After of the refusal. */
async function refusalOf(url: string): Promise<{ status: number | undefined; retryAfter: string | undefined }> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  ws.on('error', () => undefined)
  const late = AbortSignal.timeout(5_000)
  const [, { statusCode, headers }] = (await once(ws, 'unexpected-response', { signal: late })) as [
    unknown,
    IncomingMessage,
  ]
  return { status: statusCode, retryAfter: headers['retry-after'] }
}

test('one more than may sign in at once is told to come back, whatever way it comes; who has signed in is not counted', async (t) => {
  const chat = await testChat(t, { limits: { socketsSigningIn: 2 } })
  const { url } = chat.nodes[0]!
  const ann = chat.users.add('ann')
  const anns = await chat.device(ann)
  await chat.device(ann)
  await chat.device(ann)

  const silent = await rawSocket(t, url)
  const polling = `${url}/socket.io/?EIO=4&transport=polling`
  const session = await fetch(polling)
  assert.equal(session.status, 200)
  const { sid } = JSON.parse((await session.text()).slice(1))

  const { status, retryAfter } = await refusalOf(url)
  assert.equal(status, 503)
  assert.ok(Number(retryAfter) >= 1 && Number(retryAfter) <= 5)
  // Engine.IO takes the last of several: what looks like a known session is a new one.
  for (const address of [polling, `${polling}&sid=${sid}&sid=`]) {
    const refused = await fetch(address)
    assert.equal(refused.status, 503)
    assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  }
  // Those who were let in go on.
  assert.equal((await fetch(`${polling}&sid=${sid}`, { method: 'POST', body: '3' })).status, 200)
  assert.equal((await anns.ask('sync', {})).ok, true)
  silent.ws.close()
  await silent.closed()
  // The server hears of the end a little later than the client.
  const late = AbortSignal.timeout(5_000)
  for (;;) {
    const came = await rawSocket(t, url).catch(() => undefined)
    if (came) break
    assert.ok(!late.aborted, 'there is no room again')
  }
})

test('a node holds only so many connections, and a stock client that was refused comes back by itself', async (t) => {
  const chat = await testChat(t, { limits: { socketsPerNode: 1 } })
  const { url } = chat.nodes[0]!
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const anns = await chat.device(ann)
  const options = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 }
  const bobs = testDevice(t, url, chat.users.token(bob), options)
  await bobs.next('connect_error')
  assert.equal((await refusalOf(url)).status, 503)
  anns.close()
  await bobs.next('hello')
})

test('who signs off has as long to sign in anew as who has not yet', async (t) => {
  const chat = await testChat(t)
  const { url } = chat.nodes[0]!
  const token = chat.users.token(chat.users.add('eve'))
  const [gone, back] = [await rawDevice(t, url, token), await rawDevice(t, url, token)]
  const closed = once(gone.ws, 'close', { signal: AbortSignal.timeout(10_000) })
  for (const { ws, send } of [gone, back]) {
    const read = once(ws, 'pong', { signal: AbortSignal.timeout(5_000) })
    send('41')
    ws.ping()
    await read
  }
  back.send(`40${JSON.stringify({ token })}`)
  await back.frame('42["hello"')
  await closed
  back.send('421["sync",{}]')
  assert.match(await back.frame('431'), /"ok":true/)
})
