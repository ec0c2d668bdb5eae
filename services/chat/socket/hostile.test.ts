import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type TestChat, testChat } from '../chat.fixture.ts'
import { rawDevice, rawSocket } from './raw.fixture.ts'

/** Ann still chats with Bob: whatever came before harmed nobody else. */
async function stillWorks(chat: TestChat): Promise<void> {
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const ack = await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'still here' })
  assert.equal(ack.ok, true)
  assert.equal((await bobs.next('message.new')).text, 'still here')
  assert.equal((await fetch(`${chat.nodes[0]!.url}/healthz`)).status, 200)
}

async function attack(t: TestContext) {
  const chat = await testChat(t)
  const url = chat.nodes[0]!.url
  return { chat, url, raw: await rawDevice(t, url, chat.users.token(chat.users.add('eve'))) }
}

const send = (id: number, event: string, data?: unknown): string => `42${id}${JSON.stringify([event, data])}`

test('payloads of every wrong shape are refused one by one, and the socket goes on', async (t) => {
  const { chat, raw } = await attack(t)
  const wrong = [
    undefined,
    null,
    [],
    {},
    0,
    'text',
    { id: 'no uuid', receiverId: randomUUID(), text: 'x' },
    { id: randomUUID(), text: 'to nobody' },
    { id: randomUUID(), receiverId: randomUUID(), conversationId: randomUUID(), text: 'to two' },
    { id: randomUUID(), receiverId: { $ne: null }, text: 'x' },
    { id: randomUUID(), receiverId: randomUUID(), text: { $gt: '' } },
    { id: randomUUID(), receiverId: randomUUID(), text: ['x'] },
    { id: randomUUID(), receiverId: randomUUID(), text: '' },
    { id: randomUUID(), receiverId: randomUUID(), text: ' \n\u200b\u202e ' },
    { id: randomUUID(), receiverId: randomUUID(), text: 'nul \0' },
    { id: randomUUID(), receiverId: randomUUID(), text: 'lone \ud800' },
    { id: randomUUID(), receiverId: randomUUID(), text: 'x'.repeat(10_001) },
    { id: randomUUID(), receiverId: randomUUID(), text: '😀'.repeat(10_001) },
  ]
  for (const [index, payload] of wrong.entries()) {
    raw.send(send(index, 'message.send', payload))
    const [ack] = JSON.parse((await raw.frame(`43${index}[`)).slice(`43${index}`.length))
    assert.equal(ack.ok, false, JSON.stringify(payload))
    assert.equal(ack.error.code, 'validation.failed', JSON.stringify(payload))
    assert.equal(ack.error.status, 400)
    assert.ok(ack.error.requestId)
  }
  await stillWorks(chat)
})

test('every other event refuses wrong payloads too', async (t) => {
  const { chat, raw } = await attack(t)
  let id = 0
  for (const event of [
    'receipt.delivered',
    'receipt.read',
    'typing.start',
    'typing.stop',
    'presence.subscribe',
    'presence.active',
    'session.refresh',
  ]) {
    for (const payload of [undefined, null, [], {}, 'x', { conversationId: 1, upToSeq: -1, userIds: 'x', token: 1 }]) {
      raw.send(send(++id, event, payload))
      const [ack] = JSON.parse((await raw.frame(`43${id}[`)).slice(`43${id}`.length))
      assert.equal(ack.error?.code, 'validation.failed', `${event} ${JSON.stringify(payload)}`)
    }
  }
  raw.send(send(++id, 'presence.subscribe', { userIds: Array.from({ length: 501 }, () => randomUUID()) }))
  const [many] = JSON.parse((await raw.frame(`43${id}[`)).slice(`43${id}`.length))
  assert.equal(many.error.code, 'validation.failed')
  await stillWorks(chat)
})

test('events without an ack, with something else in its place, and unknown events crash nothing', async (t) => {
  const { chat, raw } = await attack(t)
  raw.send('42["message.send"]')
  raw.send('42["message.send",{"id":"x"},{"ack":"not a function"}]')
  raw.send('42["typing.start",null,null,null]')
  raw.send('42["no.such.event",{}]')
  raw.send('42[5,{}]')
  raw.send('42["__proto__",{}]')
  raw.send('42["error",{}]')
  for (const [id, event] of ['no.such.event', '__proto__', 'constructor', 'toString', 'error'].entries()) {
    raw.send(send(id, event, {}))
    const [ack] = JSON.parse((await raw.frame(`43${id}[`)).slice(`43${id}`.length))
    assert.equal(ack.error.code, 'unsupported')
  }
  await stillWorks(chat)
})

test('frames that are no packets close their socket and no other', async (t) => {
  const { chat, url } = await attack(t)
  for (const frame of [
    '42{"not":"an array"}',
    '42["connect",{}]',
    '42["disconnect",{}]',
    '42["newListener",{}]',
    '4551-["x"]',
    '451-["x",{"_placeholder":true,"num":0}]',
    '461-["x",{"_placeholder":true,"num":0}]',
    '49nonsense',
    '40/admin,',
    '9',
    Buffer.from([1, 2, 3]),
  ]) {
    const raw = await rawDevice(t, url, chat.users.token(chat.users.add('mallory')))
    raw.send(frame)
    if (frame === '40/admin,') assert.match(await raw.frame('44/admin,'), /Invalid namespace/)
    else await raw.closed()
  }
  await stillWorks(chat)
})

test('a frame above the limit closes its socket', async (t) => {
  const { chat, raw } = await attack(t)
  raw.send(`42${JSON.stringify(['message.send', { text: 'x'.repeat(64_000) }])}`)
  assert.equal(await raw.closed(), 1009)
  await stillWorks(chat)
})

test('a deeply nested event is refused', async (t) => {
  const { chat, raw } = await attack(t)
  raw.send(`421["typing.start",${'['.repeat(20_000)}${']'.repeat(20_000)}]`)
  assert.match(await raw.frame('431['), /nests deeper/)
  await stillWorks(chat)
})

test('a placeholder of a binary packet in a text is text, and disconnects nobody', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  const text = '{"_placeholder":true,"num":7}'
  await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text, _placeholder: true, num: 7 })
  assert.equal((await bobs.next('message.new')).text, text)
})

test('texts of any script come back as they were sent', async (t) => {
  const chat = await testChat(t)
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const [anns, bobs] = [await chat.device(ann), await chat.device(bob)]
  for (const text of [
    'שלום \u202e עולם',
    `e${'\u0301'.repeat(9_000)}`,
    '\u001b[31mred',
    '😀'.repeat(10_000),
    '<img src=x onerror=alert(1)>',
    `${'\u0001'.repeat(9_000)}x`,
  ]) {
    assert.equal((await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text })).ok, true)
    assert.equal((await bobs.next('message.new')).text, text)
  }
})

test('a foreign web origin, and a token in the address, are refused before there is a socket', async (t) => {
  const chat = await testChat(t, { origins: ['https://chat.example.org'] })
  const { url } = chat.nodes[0]!
  const token = chat.users.token(chat.users.add('eve'))
  await assert.rejects(rawSocket(t, url, { origin: 'https://evil.example' }), /403/)
  await assert.rejects(rawSocket(t, url, { origin: 'null' }), /403/)
  const path = `${url}/socket.io/?EIO=4&transport=polling`
  assert.equal((await fetch(path, { headers: { origin: 'https://evil.example' } })).status, 403)
  assert.equal((await fetch(`${path}&token=${token}`)).status, 403)
  assert.equal((await fetch(path)).status, 200)
  for (const origin of ['https://chat.example.org', url]) (await rawSocket(t, url, { origin })).ws.close()
  await stillWorks(chat)
})

test('a flood of events is refused, then cut off, and costs nobody else', async (t) => {
  const { chat, raw } = await attack(t)
  for (let n = 0; n < 2_000; n++) raw.send('42["typing.start",{}]')
  await raw.frame('42["server.draining"')
  await raw.closed()
  await stillWorks(chat)
})

test('a client cannot choose rooms, and hears nothing of others by naming them', async (t) => {
  const chat = await testChat(t)
  const [ann, bob, eve] = [chat.users.add('ann'), chat.users.add('bob'), chat.users.add('eve')]
  const [anns, bobs, eves] = [await chat.device(ann), await chat.device(bob), await chat.device(eve)]
  for (const event of ['join', 'joinRoom', 'subscribe']) {
    for (const room of [bob.id, bobs.id()]) assert.equal((await eves.ask(event, room)).error.code, 'unsupported')
  }
  await anns.ask('message.send', { id: randomUUID(), receiverId: bob.id, text: 'private' })
  assert.equal((await bobs.next('message.new')).text, 'private')
  await eves.ask('sync', {})
  assert.deepEqual(eves.told(), [])
})

test('who reads over HTTP faster than allowed is told when to come back; sending, syncing and others go on', async (t) => {
  const chat = await testChat(t, { limits: { readsPerSecond: 1, readBurst: 3 } })
  const [ann, bob] = [chat.users.add('ann'), chat.users.add('bob')]
  const { body: group } = await chat.request(ann, 'POST', '/api/conversations', { title: 'G', memberIds: [bob.id] })
  const path = `/api/conversations/${group.id}`
  const reads = ['/api/conversations', path, `${path}/members`, `${path}/messages`, `/api/messages/get/${bob.id}`]
  for (const read of reads.slice(0, 3)) assert.equal((await chat.request(ann, 'GET', read)).status, 200)
  for (const read of reads) {
    const refused = await fetch(chat.nodes[0]!.url + read, {
      headers: { authorization: `Bearer ${chat.users.token(ann)}` },
    })
    const { code, retryable } = (await refused.json()) as { code: string; retryable: boolean }
    assert.deepEqual([refused.status, code, retryable], [429, 'rate.limited', true], read)
    assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  }
  assert.equal((await chat.request(ann, 'GET', '/api/sync')).status, 200)
  assert.equal((await chat.request(ann, 'GET', `${path}/log?after=0`)).status, 200)
  assert.equal((await chat.request(ann, 'PATCH', path, { title: 'Ours' })).status, 200)
  assert.equal((await chat.request(bob, 'GET', path)).body.title, 'Ours')
})
