import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chatConfig, openChat } from '@parley/chat'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { reader } from '@parley/kit/config'
import { listen } from '@parley/kit/http'
import { makeKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { notificationConfig, openNotification } from '@parley/notification'
import { OPERATIONS } from '@parley/protocol/operations'
import { openUser, userConfig } from '@parley/user'
import type { Router } from 'express'

type Layer = Router['stack'][number]

test('what the services route is what the documents list: no route is missing, and none is made up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-contract-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const read = reader({ PARLEY_DATA: folder })
  const [user, chat, notification] = [userConfig(read), chatConfig(read), notificationConfig(read)]
  const log = openLog('test', 'silent')
  const http = stack.use(await listen({ host: '127.0.0.1', port: 0, log }))
  makeKeys(chat.keyFile)
  const bus = stack.use(embeddedBus({ log }))
  const users = stack.use(await openUser(user, bus, http, log)).directory
  const siblings = { users, chat: stack.use(await openChat(chat, bus, http, users, log)).directory }
  stack.use(await openNotification(notification, bus, http, siblings, log))

  const listed = OPERATIONS.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
  const routed = [...routesOf(http.bodiless, ''), ...routesOf(http.routes, '')]
  assert.ok(routed.length > 20)
  assert.deepEqual(routed.sort(), listed.filter((one) => /^\w+ \/(api|\.well-known)\//.test(one)).sort())
})

function routesOf(router: Router, prefix: string): string[] {
  return router.stack.flatMap((layer) => {
    if (layer.route) {
      const path = prefix + (layer.route.path === '/' ? '' : layer.route.path)
      return [...new Set(layer.route.stack.map(({ method }) => `${method} ${path}`))]
    }
    const inner = layer.handle as unknown as Partial<Router>
    return inner.stack ? routesOf(inner as Router, prefix + mountOf(layer)) : []
  })
}

/** Where a router is mounted, as it was given to `use`. */
function mountOf(layer: Layer): string {
  const { rawPath } = layer as Layer & { rawPath?: unknown }
  assert.ok(typeof rawPath === 'string', 'Express keeps the path that a router is mounted at')
  return rawPath === '/' ? '' : rawPath
}
