// `npm test`: everything. Prepares the machine, then runs the quick part, the suites on real servers and whole-system tests, and a short run of faults.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { infra } from '@parley/infra/infra'
import { leave, takeLease } from '@parley/infra/lease'
import { check, contractHolds } from './check.ts'
import { record } from './contract.ts'
import { ROOT, testFiles } from './files.ts'
import { prepareMachine } from './machine.ts'
import { type Counts, runProgram, runTests, sum } from './steps.ts'

const began = performance.now()
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())

const { passed, failed } = await runAll().catch((error: Error): Counts => {
  console.error(`\n${error.message}`)
  return { passed: 0, failed: 1 }
})
console.log(`\nTook ${Math.round((performance.now() - began) / 1_000)} s`)
console.log(`tests: ${passed} passed, ${failed} failed`)
process.exitCode = stop.signal.aborted ? 130 : failed === 0 ? 0 : 1

async function runAll(): Promise<Counts> {
  const { infra: onServers, system } = testFiles()
  console.log(`Plan:
  1. the machine: RabbitMQ, Nginx, Chromium, python-socketio and a server for MongoDB's protocol, installed if they are missing
  2. types, lint, format, layout, quick tests (npm run check)
  3. suites on the real servers: ${onServers.length} files
  4. whole-system tests on all-in-one and on the scale-out form: ${system.length} files
  5. a short run of faults in both shapes`)
  prepareMachine(process.env.PARLEY_INSTALL !== '0')

  const counts = [await check(stop.signal)]
  const lease = await takeLease()
  using recording = record()
  try {
    console.log('\nStarting RabbitMQ and the MongoDB server …')
    const [kind] = await Promise.all([infra.mongodbKind(), lease.ask('rabbitmq')])
    console.log(`The suites run against this MongoDB server: ${kind}`)
    const limits = { atOnce: 2, testMs: 240_000, withinMs: 1_500_000, nodeArgs: recording.args }
    counts.push(await runTests({ title: 'tests on real servers', files: onServers, ...limits }, stop.signal))
    // One file at a time: each starts several processes and measures what people would wait.
    counts.push(await runTests({ title: 'whole-system tests', files: system, ...limits, atOnce: 1 }, stop.signal))
    const asDocumented = contractHolds(recording, false)
    counts.push({ passed: asDocumented ? 1 : 0, failed: asDocumented ? 0 : 1 })
    if (existsSync(join(ROOT, 'faults', 'main.ts')))
      for (const shape of ['all-in-one', 'scale-out']) counts.push(await runFaults(shape))
  } finally {
    await leave(lease)
  }
  return sum(counts)
}

async function runFaults(shape: string): Promise<Counts> {
  const args = [join('faults', 'main.ts'), '--seconds', '20', '--shape', shape]
  const good = await runProgram(`faults on ${shape}`, args, 240_000, stop.signal)
  return { passed: good ? 1 : 0, failed: good ? 0 : 1 }
}
