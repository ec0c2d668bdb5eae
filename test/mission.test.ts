import { after, before, describe } from 'node:test'
import type { Stack } from '@parley/infra/stack'
import { accounts } from './mission/accounts.ts'
import { messages } from './mission/messages.ts'
import { realTime } from './mission/real-time.ts'
import { sessions } from './mission/sessions.ts'
import { partitions, SHAPES, start } from './shapes.ts'

// The product as its users meet it: plain HTTP and the stock Socket.IO client, through the public address alone.
for (const shape of SHAPES)
  describe(shape, () => {
    let stack: Stack
    let nodes: number[]
    before(async () => {
      stack = await start(shape)
      nodes = await partitions(stack)
    })
    after(() => stack?.[Symbol.asyncDispose]())

    const system = { url: () => stack.url, partition: (node: number) => nodes[node % nodes.length]! }
    accounts(system)
    messages(system)
    for (const transport of ['websocket', 'polling'] as const) realTime(system, transport)
    sessions(system)
  })
