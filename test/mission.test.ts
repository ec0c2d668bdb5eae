import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { Stack } from '@parley/infra/stack'
import { accounts } from './mission/accounts.ts'
import { audit } from './mission/audit.ts'
import { hanging } from './mission/hanging.ts'
import { messages } from './mission/messages.ts'
import { realTime } from './mission/real-time.ts'
import { sessions } from './mission/sessions.ts'
import { partitions, SHAPES, start } from './shapes.ts'

// The product as its users meet it: plain HTTP and the stock Socket.IO client, through the public address alone.
for (const shape of SHAPES)
  describe(shape, () => {
    let stack: Stack
    let nodes: number[]
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-mission-'))
    before(async () => {
      stack = await start(shape, { dataDir })
      nodes = await partitions(stack)
    })
    after(async () => {
      await stack?.[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
    })

    const system = { url: () => stack.url, partition: (node: number) => nodes[node % nodes.length]! }
    const keyFile = join(dataDir, ...(shape === 'all-in-one' ? ['data'] : []), 'keys.json')
    accounts(system)
    messages(system)
    for (const transport of ['websocket', 'polling'] as const) realTime(system, transport)
    sessions(system)
    audit(system, () => stack, keyFile)
    // Last, since it takes others' time.
    if (shape === 'scale-out') hanging(system, () => stack)
  })
