import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Stack } from '@parley/infra/stack'
import { until } from '@parley/infra/until'
import type { ConversationItem, SyncPage } from '@parley/protocol/conversation'
import type { SendReply } from '@parley/protocol/socket'
import { ask } from '../http.ts'
import { newPerson, type Person } from '../person.ts'
import { partitions } from '../shapes.ts'

/** Two who chat while a third, who shares nothing with them, attacks. */
export interface Town extends Disposable {
  url: string
  ann: Person
  ben: Person
  /** The attacker. */
  eve: Person
  /** A group of Ann and Ben. */
  group: string
  /**
   * Holds after every attack: no process has gone or was started anew, all are well, Ann's next message reaches Ben over the sockets
   * they had from the start (on different nodes where there are two), and nothing of the attack was stored.
   */
  unharmed(after: string): Promise<void>
}

/** Settles them in a system that was just started. */
export async function settle(stack: Stack): Promise<Town> {
  const nodes = await partitions(stack)
  const [ann, ben, eve] = await Promise.all(['ann', 'ben', 'eve'].map((name) => newPerson(stack.url, name)))
  if (!ann || !ben || !eve) throw new Error('nobody came')
  const anns = await ann.connect({ partition: nodes[0] })
  const bens = await ben.connect({ partition: nodes.at(-1) })
  const created = await ann.post<ConversationItem>('/api/conversations', { title: 'Ann’s', memberIds: [ben.id] })
  const group = created.body.id
  // All that they are told of it comes before any attack.
  await Promise.all([anns, bens].map((device) => device.next('conversation.updated')))
  await bens.next('alerts.changed')
  const pids = stack.names().map((name) => stack.pid(name))
  let said = 0

  async function chatGoesOn(after: string): Promise<void> {
    const text = `after ${after.slice(0, 200)}`
    const { seq } = await anns.get<SendReply>('message.send', { id: randomUUID(), conversationId: group, text })
    said++
    const heard = await bens.next('message.new')
    assert.deepEqual([heard.text, heard.seq, seq], [text, said, said], 'only what Ann said is in the conversation')
    assert.deepEqual([anns.untaken(), bens.untaken()], [[], []], 'they were told nothing else, and stayed connected')
  }

  return {
    url: stack.url,
    ann,
    ben,
    eve,
    group,
    async unharmed(after) {
      assert.deepEqual(
        stack.names().map((name) => stack.pid(name)),
        pids,
        `the same processes after ${after}`,
      )
      const health = await Promise.all(
        [stack.url, ...stack.names().map((name) => stack.urlOf(name))].map((url) => ask(`${url}/healthz`, 'GET')),
      )
      assert.ok(
        health.every(({ status }) => status === 200),
        `all are well after ${after}`,
      )
      await chatGoesOn(after)
      const { body } = await eve.get<SyncPage>('/api/sync')
      assert.deepEqual(body.items, [], `nothing is stored for Eve after ${after}`)
    },
    [Symbol.dispose]() {
      anns[Symbol.dispose]()
      bens[Symbol.dispose]()
    },
  }
}

/** How many sockets the nodes hold; what was closed is seen there a moment later. */
export const gone = (stack: Stack, left: number): Promise<boolean> =>
  until('the attackers’ sockets to be gone', 10_000, async () => {
    const names = stack.names().filter((name) => name === 'parley' || name.startsWith('chat-'))
    const counts = await Promise.all(
      names.map(async (name) => {
        const { body } = await ask<string>(`${stack.internalUrl(name)}/metrics`, 'GET')
        return Number(/^parley_sockets (\d+)$/m.exec(body)?.[1])
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0) === left
  })
