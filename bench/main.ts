import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openPushService, type PushService } from '@parley/infra/push-service'
import { depth } from './depth.ts'
import { type Paced, paced, type Saturated, saturated } from './direct.ts'
import { syncMs } from './disk.ts'
import { idle } from './idle.ts'
import { many } from './many.ts'
import { notices, SENDERS } from './notices.ts'
import { pages } from './pages.ts'
import { freePort, leaveServerCore } from './process.ts'
import { describe } from './profile.ts'
import { reconnect } from './reconnect.ts'
import { connectionsFor, type FanOut, rooms } from './rooms.ts'
import { search } from './search.ts'
import { median, round } from './stats.ts'
import { bare, LIFTED, parley, type Subject } from './subject.ts'

/**
 * `npm run bench [-- --profile --runs 1 --only direct,rooms,idle,reconnect,many,notices,pages,depth,search --messages 1000000 --depth 5000000]`
 * Server CPU per message (user + system, all threads), beside bare Socket.IO in the same run, with the same generator.
 * `--profile` prints where the CPU of a saturated server goes instead, by part and by function, of Parley and of bare Socket.IO.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    only: { type: 'string', default: 'direct,rooms,idle,reconnect,many,notices,pages,depth,search' },
    messages: { type: 'string', default: '1000000' },
    depth: { type: 'string', default: '5000000' },
    profile: { type: 'boolean', default: false },
  },
})
const parts = new Set(values.only.split(','))
const runs = Number(values.runs)

/** Users who are away while others write to them. */
const AWAY = 1_000

interface Row {
  what: string
  unit: string
  parley: number
  bare?: number
  ratio?: number
}
const rows: Row[] = []

leaveServerCore()
console.log(
  `bench: ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, server pinned to one core, generator on the other`,
)
console.log(
  `limits lifted for it: ${Object.entries(LIFTED)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}; all others as shipped`,
)

if (values.profile) {
  for (const outstanding of [4, 16]) {
    for (const open of [() => bare({ inspect: true }), () => parley(200, { inspect: true })])
      await printProfile(open, outstanding)
  }
  process.exit(0)
}
if (parts.has('direct')) {
  for (const outstanding of [4, 16]) {
    const { ours, theirs } = await both(200, (subject) => saturated(subject, outstanding))
    row(
      `1:1 durable, acked, delivered mark; ${outstanding} outstanding: CPU`,
      'µs/message',
      ours,
      theirs,
      (r: Saturated) => r.cpuMicrosPerMessage,
    )
    row(`  throughput`, 'messages/s', ours, theirs, (r: Saturated) => r.messagesPerSecond)
  }
  const { ours, theirs } = await both(200, (subject) => paced(subject, 1_000))
  row('1:1 at 1,000/s: CPU', 'µs/message', ours, theirs, (r: Paced) => r.cpuMicrosPerMessage)
  row('  delivery p50', 'ms', ours, theirs, (r: Paced) => r.deliveryMs.p50)
  row('  delivery p99', 'ms', ours, theirs, (r: Paced) => r.deliveryMs.p99)
  row('  ack p50', 'ms', ours, theirs, (r: Paced) => r.ackMs.p50)
  row('  ack p99', 'ms', ours, theirs, (r: Paced) => r.ackMs.p99)
  const disk = syncMs()
  own('  one sync of this disk p50, which bare does without', 'ms', disk.p50)
  own('  one sync of this disk p99', 'ms', disk.p99)
}
if (parts.has('rooms')) {
  for (const [size, outstanding] of [
    [10, 4],
    [100, 4],
    [1_000, 1],
    [10_000, 1],
  ] as const) {
    const { ours, theirs } = await both(connectionsFor(size), (subject) => rooms(subject, size, outstanding))
    row(
      `room of ${size}, ${outstanding} outstanding: CPU`,
      'µs/delivery',
      ours,
      theirs,
      (r: FanOut) => r.cpuMicrosPerDelivery,
    )
    row('  throughput', 'deliveries/s', ours, theirs, (r: FanOut) => r.deliveriesPerSecond)
  }
}
if (parts.has('idle')) {
  for (const connections of [2_000, 5_000]) {
    const { ours, theirs } = await both(100, (subject) => idle(subject, 100, connections))
    row(`idle connection, of ${connections}`, 'KB', ours, theirs, (r) => r.bytesPerConnection / 1024)
  }
}
if (parts.has('reconnect')) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  await using subject = await parley(2_000, { folder })
  const result = await reconnect(subject, folder, 2_000, 2_000)
  own('2,000 devices reconnect and sync after a restart: all', 'ms', result.allMs)
  own('  one device p50', 'ms', result.deviceMs.p50)
  own('  one device p99', 'ms', result.deviceMs.p99)
  own('  CPU', 'µs/device', result.cpuMicrosPerDevice)
  own('  reads of the store', 'reads/device', result.storeReadsPerDevice)
}
if (parts.has('many')) {
  const internalPort = await freePort()
  await using subject = await parley(2, { env: { INTERNAL_PORT: String(internalPort) } })
  const result = await many(subject, 5_000, internalPort)
  own('sync of 20 changes among 5,000 conversations p50', 'ms', result.syncMs.p50)
  own('  p99 (aim: 20)', 'ms', result.syncMs.p99)
  own('  reads of the store', 'reads/sync', result.storeReads)
}
if (parts.has('notices')) {
  const after: (() => void)[] = []
  const service = await openPushService({ after: (end) => void after.push(end) })
  const measured = async (push: PushService | undefined) => {
    const internalPort = await freePort()
    const env = {
      INTERNAL_PORT: String(internalPort),
      PUSH_HOSTS: service.host,
      NODE_EXTRA_CA_CERTS: service.certificate,
    }
    await using subject = await parley(AWAY + SENDERS, { env })
    return await notices(subject, AWAY, push, internalPort)
  }
  const [decided, pushed] = [await measured(undefined), await measured(service)]
  for (const end of after) end()
  own('1,000 messages/s to 1,000 who are away, without a device: CPU', 'µs/message', decided.cpuMicrosPerMessage)
  own('  each with a device: CPU', 'µs/message', pushed.cpuMicrosPerMessage)
  own('  pushes', 'pushes/s', pushed.pushesPerSecond)
  const more = (pushed.cpuMicrosPerMessage - decided.cpuMicrosPerMessage) * 1_000
  own('  to tell, encrypt, sign and hand over: CPU', 'µs/push', more / pushed.pushesPerSecond)
  own('  from the last message until nothing waits', 'ms', pushed.emptyMs)
}
if (parts.has('pages')) {
  await using subject = await parley(2)
  const result = await pages(subject, Number(values.messages))
  own(`${result.messages} messages into one conversation`, 'messages/s', result.fillPerSecond)
  own('  history page of 50 p50', 'ms', result.historyMs.p50)
  own('  history page of 50 p99 (aim: 5)', 'ms', result.historyMs.p99)
  own('  sync page of 50 p50', 'ms', result.syncMs.p50)
  own('  sync page of 50 p99', 'ms', result.syncMs.p99)
  own('  a call that reads nothing p50', 'ms', result.emptyMs.p50)
  own('  a call that reads nothing p99', 'ms', result.emptyMs.p99)
}
if (parts.has('depth')) {
  const result = await depth(Number(values.depth))
  own(`${result.messages} messages into the SQLite store alone`, 'messages/s', result.fillPerSecond)
  own('  last 50 of a conversation, in the store p50', 'ms', result.lastPageMs.p50)
  own('  last 50 of a conversation, in the store p99 (aim: 1)', 'ms', result.lastPageMs.p99)
}
if (parts.has('search')) {
  const result = await search(Number(values.messages))
  own(`${result.messages} messages into the SQLite store alone, to search`, 'messages/s', result.fillPerSecond)
  own('  indexed, from nothing, in', 's', result.indexSeconds)
  own('  indexing: CPU', 'µs/message', result.indexCpuMicrosPerMessage)
  own('  index on disk', 'bytes/message', result.indexBytesPerMessage)
  for (const { kind, p50, p99 } of result.queryMs) {
    own(`  ${kind} p50`, 'ms', p50)
    own(`  ${kind} p99${kind.startsWith('all') ? ' (aim: 50)' : ''}`, 'ms', p99)
  }
  own('  a message appended, with an index: CPU', 'µs/message', result.sendCpuMicros.with)
  own('  without: CPU', 'µs/message', result.sendCpuMicros.without)
}
print()
process.exit(0)

/** Runs it on both, one after the other, as often as asked for. */
async function both<T>(users: number, measure: (subject: Subject) => Promise<T>): Promise<{ ours: T[]; theirs: T[] }> {
  const ours: T[] = []
  const theirs: T[] = []
  for (let run = 0; run < runs; run++) {
    await using other = await bare()
    theirs.push(await measure(other))
    await other.served.kill()
    await using subject = await parley(users)
    ours.push(await measure(subject))
  }
  return { ours, theirs }
}

async function printProfile(open: () => Promise<Subject>, outstanding: number): Promise<void> {
  await using subject = await open()
  const { cpuMicrosPerMessage, profile } = await saturated(subject, outstanding, true)
  console.log(`\n${subject.name}, ${outstanding} outstanding: ${round(cpuMicrosPerMessage)} µs CPU a message`)
  console.log(describe(profile!, cpuMicrosPerMessage))
}

function row<T>(what: string, unit: string, ours: T[], theirs: T[], value: (result: T) => number): void {
  const [mine, its] = [median(ours.map(value)), median(theirs.map(value))]
  rows.push({ what, unit, parley: mine, bare: its, ratio: mine / its })
  console.log(line(rows.at(-1)!))
}

function own(what: string, unit: string, value: number): void {
  rows.push({ what, unit, parley: value })
  console.log(line(rows.at(-1)!))
}

function line({ what, unit, parley, bare, ratio }: Row): string {
  const figures = [round(parley), bare === undefined ? '' : round(bare)].map((figure) => String(figure).padStart(10))
  return `${what.padEnd(62)} ${figures.join(' ')} ${(ratio === undefined ? '' : `${round(ratio, 2)}x`).padStart(7)}  ${unit}`
}

function print(): void {
  console.log(`\n${''.padEnd(62)} ${'Parley'.padStart(10)} ${'bare'.padStart(10)} ${'ratio'.padStart(7)}`)
  for (const each of rows) console.log(line(each))
  const folder = fileURLToPath(new URL('./results/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}${new Date().toISOString().replaceAll(':', '-')}.json`
  writeFileSync(
    file,
    JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, runs, lifted: LIFTED, rows }, null, 1),
  )
  console.log(`\nfigures: ${file}`)
}
