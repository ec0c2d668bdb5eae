import { createInterface } from 'node:readline'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { startNotification } from './app.ts'
import { FROM, INTERNAL_KEY, ORIGIN } from './service.fixture.ts'
import { sqliteStore } from './store/sqlite.ts'

/**
 * The notification service alone in a process, for the tests that kill and freeze it. Prints `ready`, then publishes each line
 * of its input, an event as JSON, and prints the event's id when the bus has taken it.
 */
const { STORE, SMTP_URL, PACE } = process.env
const log = openLog('notification', 'silent')
const http = await listen({ host: '127.0.0.1', port: 0, log })
const bus = embeddedBus({ log })
await startNotification({
  store: sqliteStore(STORE!),
  bus,
  http,
  keys: { internal: INTERNAL_KEY },
  digests: async () => ({ reason: 'read' }),
  config: { publicUrl: ORIGIN, mail: { smtpUrl: SMTP_URL!, from: FROM } },
  log,
  pace: JSON.parse(PACE!),
})
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const event = JSON.parse(line) as BusEvent
  await bus.publish(event)
  process.stdout.write(`${event.id}\n`)
}
