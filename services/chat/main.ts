import { rabbitBus } from '@parley/kit/bus/rabbitmq'
import { listen } from '@parley/kit/http'
import { httpDirectory } from '@parley/kit/http-directory'
import { readKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { serveReference } from '@parley/kit/reference'
import { toldToStop } from '@parley/kit/stop'
import { readChatService } from './config.ts'
import { openChat } from './open.ts'

async function run(): Promise<void> {
  const config = readChatService(process.env)
  const { internal } = readKeys(config.keyFile, ['internal'])
  const log = openLog('chat', config.logLevel)
  await using http = await listen({ ...config, log, trustProxies: 1, starting: true })
  await using bus = rabbitBus(config.rabbitUrl, { log })
  await using _chat = await openChat(config, bus, http, httpDirectory(config.userServiceUrl, internal), log)
  serveReference(http.routes)
  const stopped = toldToStop()
  http.started()
  log.info({ port: http.port, internalPort: http.internalPort }, 'the chat service is ready')
  await stopped
}

try {
  await run()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
