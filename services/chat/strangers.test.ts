import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { LIMITS } from '@parley/protocol/limits'
import { BINARY, bareDevice, bareSocket, frame, signIn } from './socket/frames.fixture.ts'
import { ackOf, answers, events, goesOnOrIsClosed, scene, send } from './strangers.fixture.ts'

test('texts that are no packets, or not ours, are refused or close their socket, and no other', async (t) => {
  const { stranger, othersGoOn } = await scene(t)
  for (const text of [
    '',
    'a',
    '7',
    '9',
    '0',
    '2',
    '2probe',
    '5',
    '4',
    '48',
    '4a',
    '42',
    '421',
    '42{}',
    '42"x"',
    '42null',
    '42true',
    '42[]',
    '421[]',
    '42[{}]',
    '42[null]',
    '421[["typing.stop"],{}]',
    '42["typing.stop"',
    '42["typing.stop",]',
    '42["typing.stop"]]',
    '42["typing.stop",{}] x',
    '42["connect_error",{}]',
    '42-1["typing.stop",{}]',
    '42+1["typing.stop",{}]',
    '42 1["typing.stop",{}]',
    '421.5["typing.stop",{}]',
    '421e3["typing.stop",{}]',
    '42/admin,["typing.stop",{}]',
    '42/admin,7["typing.stop",{}]',
    '42/,7["typing.stop",{}]',
    '43{}',
    '43"x"',
    '431',
    '44{"message":"x"}',
  ]) {
    using bare = await stranger()
    bare.write(frame(text))
    await goesOnOrIsClosed(bare)
    for (const told of bare.texts()) assert.doesNotMatch(told, /^43.*"ok":true/, text)
  }
  await othersGoOn('no packets')
})

test('binary frames, and texts that announce some, close their socket and no other', async (t) => {
  const { ann, stranger, othersGoOn } = await scene(t)
  for (const part of [
    frame('451-["message.send",{"_placeholder":true,"num":0}]'),
    frame('450-["message.send",{"_placeholder":true,"num":0}]'),
    frame('45999999999-["message.send",{"_placeholder":true,"num":0}]'),
    frame('461-1[{"_placeholder":true,"num":0}]'),
    frame('46["x"]'),
    frame('bAAAA'),
    frame('', { opcode: BINARY }),
    frame('4', { opcode: BINARY }),
    frame(send(ann.id, 'binary'), { opcode: BINARY }),
  ]) {
    using bare = await stranger()
    bare.write(part)
    await bare.closed()
    assert.deepEqual(answers(bare), [])
  }
  await othersGoOn('binary')
})

test('ack numbers of every kind are echoed or cost their own socket', async (t) => {
  const { stranger, othersGoOn } = await scene(t)
  for (const number of [
    '0',
    '007',
    '00',
    '2147483648',
    '4294967296',
    '9007199254740991',
    '9007199254740992',
    '9'.repeat(25),
    '9'.repeat(400),
  ]) {
    using bare = await stranger()
    bare.write(frame(`42${number}["typing.stop",{}]`))
    await Promise.any([bare.text('43'), bare.closed()])
    await goesOnOrIsClosed(bare)
    await othersGoOn(`ack ${number}`)
  }
})

test('acks that nobody asked for are heard by nobody', async (t) => {
  const { ann, anns, stranger, othersGoOn } = await scene(t)
  using bare = await stranger()
  for (const text of ['43[]', '430[]', '431[{"ok":true}]', '4399999999999999999999[1,2,3]', '43["__proto__"]'])
    bare.write(frame(text))
  bare.write(frame('42["__proto__"]'), frame('42["constructor",{}]'), frame('42[7,{}]'))
  bare.write(frame(send(ann.id, 'after acks', 7)))
  assert.equal((await ackOf(bare, 7)).ok, true)
  assert.equal((await anns.next('message.new')).text, 'after acks')
  await othersGoOn('acks')
})

test('deep nesting and a frame of exactly the limit are refused, and the socket goes on', async (t) => {
  const { ann, anns, stranger, othersGoOn } = await scene(t)
  using bare = await stranger()
  const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth)
  for (const [index, data] of [
    deep('[', ']', 31_000),
    `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
    `{"id":${deep('[', ']', 20_000)},"text":"x"}`,
  ].entries()) {
    bare.write(frame(`42${index}["message.send",${data}]`))
    assert.equal((await ackOf(bare, index)).error.code, 'validation.failed')
  }
  const [start, end] = ['428["message.send",{"text":"', '"}]']
  bare.write(frame(start + 'x'.repeat(LIMITS.frameBytes - start.length - end.length) + end))
  assert.equal((await ackOf(bare, 8)).error.code, 'validation.failed')
  bare.write(frame(send(ann.id, 'goes on', 9)))
  assert.equal((await ackOf(bare, 9)).ok, true)
  assert.equal((await anns.next('message.new')).text, 'goes on')
  await othersGoOn('deep')
})

test('events before sign-in, and after signing off, are not served', async (t) => {
  const { ann, anns, chat, url, othersGoOn } = await scene(t)
  using early = await bareSocket(url)
  early.write(frame(send(ann.id, 'too early')))
  await early.closed()

  const eve = chat.users.add('eve')
  const token = chat.users.token(eve)
  using late = await bareDevice(url, token)
  late.write(frame('41'))
  await late.caughtUp()
  late.write(frame(send(ann.id, 'too late')))
  await late.closed()
  assert.deepEqual(answers(late), [])
  await othersGoOn('too early, too late')

  using gone = await bareDevice(url, token)
  gone.write(frame('41'))
  await gone.caughtUp()
  await anns.ask('message.send', { id: randomUUID(), receiverId: eve.id, text: 'bye' })
  await othersGoOn('signed off')
  gone.write(frame(signIn(token)))
  await gone.text('42["hello"')
  assert.deepEqual(events(gone), [])
  gone.write(frame(send(ann.id, 'back again', 5)))
  assert.equal((await ackOf(gone, 5)).ok, true)
  assert.equal((await anns.next('message.new')).text, 'back again')
  await anns.ask('message.send', { id: randomUUID(), receiverId: eve.id, text: 'welcome' })
  assert.match(await gone.text('42["message.new"'), /welcome/)
  assert.deepEqual(events(gone), [])
})

test('a second sign-in on one connection is answered or closes it, and leaves nothing behind', async (t) => {
  const { anns, chat, url, othersGoOn } = await scene(t)
  const eve = chat.users.add('eve')
  const token = chat.users.token(eve)
  {
    using bare = await bareDevice(url, token)
    bare.write(...Array(2 * LIMITS.devicesPerUser).fill(frame(signIn(token))))
    await goesOnOrIsClosed(bare)
    await othersGoOn('many sign-ins')
  }
  await anns.ask('message.send', { id: randomUUID(), receiverId: eve.id, text: 'hello' })
  const late = AbortSignal.timeout(20_000)
  for (;;) {
    const { data } = await anns.ask('presence.subscribe', { userIds: [eve.id] })
    if (data?.items[0]?.online === false) break
    assert.ok(!late.aborted, 'eve is still here')
    await pause(50)
  }
  const devices = await Promise.all(Array.from({ length: LIMITS.devicesPerUser }, () => bareDevice(url, token)))
  for (const device of devices) device[Symbol.dispose]()
})

test('a WebSocket that has not finished its upgrade is not listened to', async (t) => {
  const { ann, chat, url, othersGoOn } = await scene(t)
  for (const before of [[], [frame('2probe')], [frame('5'), frame('2probe')]]) {
    const polling = `${url}/socket.io/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(polling)).text()).slice(1))
    const session = `${polling}&sid=${sid}`
    const post = async (body: string) => assert.equal((await fetch(session, { method: 'POST', body })).status, 200)
    const poll = async () => (await fetch(session)).text()
    await post(signIn(chat.users.token(chat.users.add('eve'))))
    while (!(await poll()).includes('"hello"'));
    using bare = await bareSocket(url, sid)
    bare.write(...before, frame(send(ann.id, 'not yet')))
    await bare.closed()
    assert.deepEqual(
      bare.texts().filter((text) => text.startsWith('4')),
      [],
    )
    if (before.length < 2) {
      await post('429["no.such.event",{}]')
      while (!(await poll()).includes('439[{"ok":false'));
    }
    await othersGoOn('half an upgrade')
  }
})
