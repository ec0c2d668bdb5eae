import { rabbitBus } from '@parley/kit/bus/rabbitmq'
import { listen } from '@parley/kit/http'
import { httpDirectory } from '@parley/kit/http-directory'
import { readKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { serveReference } from '@parley/kit/reference'
import { toldToStop } from '@parley/kit/stop'
import { httpChatDirectory } from './chat-directory.ts'
import { readNotificationService } from './config.ts'
import { openNotification } from './open.ts'

try {
  const config = readNotificationService(process.env)
  const log = openLog('notification', config.logLevel)
  await using http = await listen({ ...config, log, trustProxies: 1, starting: true })
  await using bus = rabbitBus(config.rabbitUrl, { log })
  const { internal } = readKeys(config.keyFile, ['internal'])
  const siblings = {
    users: httpDirectory(config.userServiceUrl, internal),
    chat: httpChatDirectory(config.chatServiceUrls, internal),
  }
  await using _notification = await openNotification(config, bus, http, siblings, log)
  serveReference(http.routes)
  const stopped = toldToStop()
  http.started()
  log.info({ port: http.port, internalPort: http.internalPort }, 'notification service ready')
  await stopped
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
