import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { newPerson } from './person.ts'
import { chatNodes, partitions, SHAPES, start } from './shapes.ts'

for (const shape of SHAPES)
  test(`${shape}: a friendship and a block are felt on every node`, { timeout: 120_000 }, async () => {
    await using stack = await start(shape)
    const [ann, ben] = [await newPerson(stack.url, 'ann'), await newPerson(stack.url, 'ben')]
    const places = await partitions(stack)
    assert.equal(places.length, chatNodes(stack).length)
    const bens = await Promise.all(places.map((partition) => ben.connect({ partition })))

    const contact = (of: typeof ann, other: typeof ann, method: string, what: string) =>
      of.ask<{ status: string }>(method, `/api/user/contacts/${other.id}/${what}`)
    assert.equal((await contact(ann, ben, 'PUT', 'request')).body.status, 'outgoing')
    for (const device of bens) assert.equal((await device.next('contact.changed')).status, 'incoming')
    assert.equal((await contact(ben, ann, 'POST', 'accept')).body.status, 'friends')
    for (const device of bens) assert.equal((await device.next('contact.changed')).status, 'friends')

    await bens[0]!.ask('message.send', { id: randomUUID(), text: 'hello', receiverId: ann.id })
    assert.equal((await contact(ann, ben, 'PUT', 'block')).status, 200)
    // The end of the friendship is told by the same event, on the same node, as the block.
    for (const device of bens) {
      assert.equal((await device.next('contact.changed')).status, 'none')
      const refused = await device.ask('message.send', { id: randomUUID(), text: 'why?', receiverId: ann.id })
      assert.equal(refused.ok, false)
    }
  })
