import { openLog } from '../log.ts'
import { rabbitBus } from './rabbitmq.ts'

/** A process of its own that consumes `chat.users` on the bus at the URL given, until it is killed; it prints the id of each event it has handled. */
const bus = rabbitBus(process.argv[2]!, { log: openLog('consume', 'silent') })
await bus.subscribe('chat.users', async (event) => void process.stdout.write(`${event.id}\n`))
