import { once } from 'node:events'
import { openLog } from '../log.ts'
import { rabbitBus } from './rabbitmq.ts'

/** A process of its own that consumes `chat.users` on the bus at the URL given: it prints the id of each event, and has handled it when a line comes in. */
const bus = rabbitBus(process.argv[2]!, { log: openLog('consume', 'silent') })
await bus.subscribe('chat.users', async (event) => {
  process.stdout.write(`${event.id}\n`)
  await once(process.stdin, 'data')
})
