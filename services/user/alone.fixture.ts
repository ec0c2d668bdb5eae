import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { reader } from '@parley/kit/config'
import { listen } from '@parley/kit/http'
import { makeKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { userConfig } from './config.ts'
import { openUser } from './open.ts'

/** The user service alone in a process on a SQLite file, for the tests that kill it. Prints its port when it is ready, then a line for each mail, and one for each deletion. */
const config = userConfig(reader(process.env))
const log = openLog('user', 'silent')
makeKeys(config.keyFile)
const http = await listen({ host: '127.0.0.1', port: 0, log })
const bus = aloneBus({ log })
const lines: string[] = []
let ready = false
function tell(what: object): void {
  lines.push(`${JSON.stringify(what)}\n`)
  if (ready) process.stdout.write(lines.splice(0).join(''))
}
await bus.subscribe('chat.departures', async ({ data }) => tell({ kind: 'user.deleted', ...data }))
await bus.subscribe('notification.mail', async ({ data }) => tell(data))
await openUser(config, bus, http, log)
ready = true
process.stdout.write(`${http.port}\n${lines.splice(0).join('')}`)
