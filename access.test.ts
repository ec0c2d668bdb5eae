import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { chatConfig, openChat } from '@parley/chat'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { reader } from '@parley/kit/config'
import { listen } from '@parley/kit/http'
import { makeKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { serveReference } from '@parley/kit/reference'
import { notificationConfig, openNotification, showCapturedMail } from '@parley/notification'
import { openUser, userConfig } from '@parley/user'
import { accessHolds } from './test/access/check.ts'
import { LIMITS } from './test/access/limits.ts'
import { settle, type Town } from './test/access/scene.ts'

const stack = new AsyncDisposableStack()
let town: Town

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-access-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const read = reader({ PARLEY_DATA: folder, ...LIMITS })
  const [user, chat, notification] = [userConfig(read), chatConfig(read), notificationConfig(read)]
  read.throwIfInvalid()
  const log = openLog('test', 'silent')
  const http = stack.use(await listen({ host: '127.0.0.1', port: 0, log }))
  makeKeys(chat.keyFile)
  const bus = stack.use(embeddedBus({ log }))
  const users = stack.use(await openUser(user, bus, http, log)).directory
  const siblings = { users, chat: stack.use(await openChat(chat, bus, http, users, log)).directory }
  const { captured } = stack.use(await openNotification(notification, bus, http, siblings, log))
  showCapturedMail(http.routes, captured!)
  serveReference(http.routes)
  town = stack.use(await settle({ shape: 'all-in-one', url: `http://127.0.0.1:${http.port}` }))
})
after(() => stack.disposeAsync())

accessHolds([() => town])
