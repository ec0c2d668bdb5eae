import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Profile } from '@parley/protocol/profile'
import { newPerson } from './person.ts'
import { partitions, SHAPES, start } from './shapes.ts'

for (const shape of SHAPES)
  test(`${shape}: a profile and what is kept back are felt on every node`, { timeout: 120_000 }, async () => {
    await using stack = await start(shape)
    const [ann, ben] = [await newPerson(stack.url, 'ann'), await newPerson(stack.url, 'ben')]
    const places = await partitions(stack)
    const bens = await Promise.all(places.map((partition) => ben.connect({ partition })))
    const annsPhone = await ann.connect({ partition: places[0]! })
    const sent = await annsPhone.ask('message.send', { id: randomUUID(), text: 'hello', receiverId: ben.id })
    assert.ok(sent.ok)
    const { conversationId } = sent.data as { conversationId: string }
    for (const device of bens) {
      await device.next('message.new')
      const watched = await device.ask('presence.subscribe', { userIds: [ann.id] })
      assert.ok(watched.ok)
    }
    const patch = async (change: object): Promise<Profile> => {
      const { status, body } = await ann.ask<Profile>('PATCH', '/api/user/me/profile', { body: change })
      assert.equal(status, 200, JSON.stringify(body))
      return body
    }
    await patch({ displayName: 'Annie', bio: 'hidden', visibility: { bio: 'nobody' } })
    for (const device of bens) {
      const view = await device.next('user.changed')
      assert.deepEqual([view.displayName, view.bio], ['Annie', undefined])
    }
    const { body } = await ben.ask<{ items: { members: { userId: string; displayName?: string }[] }[] }>(
      'GET',
      '/api/conversations',
    )
    assert.equal(body.items[0]!.members.find(({ userId }) => userId === ann.id)?.displayName, 'Annie')

    // The order of what one node is told holds: a message behind the mark says that no mark came.
    await patch({ privateReceipts: true })
    for (const [n, device] of bens.entries()) {
      const said = await device.ask('message.send', { id: randomUUID(), text: `${n}`, conversationId })
      assert.ok(said.ok)
      const { seq } = said.data as { seq: number }
      assert.ok((await annsPhone.ask('receipt.read', { conversationId, upToSeq: seq })).ok)
    }
    assert.ok((await annsPhone.ask('message.send', { id: randomUUID(), text: 'after', conversationId })).ok)
    for (const device of bens) {
      while ((await device.next('message.new')).text !== 'after');
      assert.ok(!device.untaken().includes('receipt.updated'))
    }
    const { body: item } = await ben.ask<{ marks: object[] }>('GET', `/api/conversations/${conversationId}`)
    assert.deepEqual(item.marks, [])
  })
