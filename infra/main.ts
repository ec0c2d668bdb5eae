// `npm run infra`: the servers that the tests use, by hand.
import { infra } from './infra.ts'
import { keep } from './keeper.ts'
import { findLease, type Lease, takeLease } from './lease.ts'
import { settings } from './settings.ts'

const USAGE = `npm run infra            starts RabbitMQ, the server for MongoDB's protocol and Nginx; stops them at Ctrl-C
npm run infra start      starts them and leaves them running
npm run infra status     says which run, and where
npm run infra stop       stops them`

const command = process.argv[2] ?? 'run'
switch (command) {
  case 'run':
    await runUntilInterrupted()
    break
  case 'start': {
    const lease = await startAll()
    await lease.ask('hold')
    break
  }
  case 'status': {
    const lease = await findLease()
    console.log((lease && (await lease.ask('status')).lines?.join('\n')) || 'Nothing runs')
    break
  }
  case 'stop':
    await stopAll(await findLease())
    break
  case 'keep':
    await keep()
    break
  default:
    console.error(USAGE)
    process.exitCode = 2
}

async function startAll(): Promise<Lease> {
  const lease = await takeLease()
  await Promise.all([lease.ask('rabbitmq'), infra.mongodbKind(), lease.ask('nginx')])
  const { lines = [] } = await lease.ask('status')
  console.log(lines.join('\n'))
  if (settings.mongodbUrl) console.log('mongodb: as MONGODB_URL says')
  return lease
}

async function runUntilInterrupted(): Promise<void> {
  const lease = await startAll()
  console.log('Ctrl-C stops them')
  const interrupted = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted.resolve)
  await Promise.race([interrupted.promise, lease.ended()])
  await stopAll(lease)
}

async function stopAll(lease: Lease | undefined): Promise<void> {
  if (!lease) return
  await lease.ask('stop')
  await lease.ended()
  console.log('Stopped')
}
