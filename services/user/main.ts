import { rabbitBus } from '@parley/kit/bus/rabbitmq'
import { listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import { serveReference } from '@parley/kit/reference'
import { toldToStop } from '@parley/kit/stop'
import { readUserService } from './config.ts'
import { openUser } from './open.ts'

try {
  const config = readUserService(process.env)
  const log = openLog('user', config.logLevel)
  await using http = await listen({ ...config, log, trustProxies: 1, starting: true })
  await using bus = rabbitBus(config.rabbitUrl, { log })
  await using _user = await openUser(config, bus, http, log)
  serveReference(http.routes)
  const stopped = toldToStop()
  http.started()
  log.info({ port: http.port, internalPort: http.internalPort }, 'user service ready')
  await stopped
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
