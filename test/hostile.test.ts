import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Stack } from '@parley/infra/stack'
import { addresses } from './hostile/addresses.ts'
import { requests } from './hostile/requests.ts'
import { sockets } from './hostile/sockets.ts'
import { tokens } from './hostile/tokens.ts'
import { gone, settle, type Town } from './hostile/town.ts'
import { SHAPES, start } from './shapes.ts'

/** The bystanders say more in a minute than people do. */
const env = { PARLEY_LIMIT_SENDS_PER_SECOND: '1000', PARLEY_LIMIT_SEND_BURST: '1000' }

// Bad input from the outside, in tables. After each line of them `unharmed` must hold for everybody else.
for (const shape of SHAPES)
  describe(shape, () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-hostile-'))
    let stack: Stack
    let town: Town
    before(async () => {
      stack = await start(shape, { env, dataDir })
      town = await settle(stack)
    })
    after(async () => {
      town?.[Symbol.dispose]()
      await stack?.[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
    })

    requests(() => town)
    tokens(
      () => town,
      () => join(dataDir, ...(shape === 'all-in-one' ? ['data'] : []), 'keys.json'),
    )
    sockets(() => town)
    addresses(
      () => stack,
      () => town,
    )

    test('after all of it only the bystanders’ sockets are left, and no log holds a token or a defect', async () => {
      await gone(stack, 2)
      await town.unharmed('all of it')
      for (const name of stack.names()) {
        const log = stack.logs(name)
        for (const secret of [town.eve.token, town.ann.token, town.eve.refreshToken])
          assert.ok(!log.includes(secret), `no token in the log of ${name}`)
        assert.doesNotMatch(log, /"level":(50|60)|Uncaught|Unhandled/, `no defect in the log of ${name}`)
      }
    })
  })
