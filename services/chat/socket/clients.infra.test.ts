import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testChat } from '../chat.fixture.ts'
import { converse, stockClient, TALKATIVE } from './clients.fixture.ts'
import { pythonClient } from './clients.python.fixture.ts'

for (const { transports, ascii, ends, other } of [
  { transports: ['websocket'], ascii: false, ends: 'websocket', other: 'websocket' },
  { transports: ['polling', 'websocket'], ascii: false, ends: 'websocket', other: 'polling' },
  { transports: ['polling'], ascii: true, ends: 'polling', other: 'websocket' },
] as const) {
  test(`a conversation from Python by ${transports.join(', then ')} loses, doubles and changes nothing`, async (t) => {
    // Python puts all that waits into one POST, however long it becomes.
    const { users, nodes } = await testChat(t, { limits: { ...TALKATIVE, frameBytes: 1_000_000 } })
    const [ann, bob] = [users.add('ann'), users.add('bob')]
    const python = await pythonClient(t, nodes[0]!.url, users.token(ann), { transports, ascii })
    const stock = await stockClient(t, nodes[0]!.url, users.token(bob), { transports: [other] })
    assert.equal(await python.transport(), ends)
    await converse({ user: ann, client: python }, { user: bob, client: stock })
  })
}
