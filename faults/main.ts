import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { keepBusy } from './busy.ts'
import type { Event } from './history.ts'
import { type RunResult, run, type Shape } from './run.ts'

/** `npm run faults [-- --seconds N --seed S --shape all-in-one|scale-out --busy N]`: exit code 1 when an invariant was broken. */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    shape: { type: 'string' },
    busy: { type: 'string', default: '0' },
  },
})
const shapes: Shape[] = values.shape === undefined ? ['all-in-one', 'scale-out'] : [asShape(values.shape)]
using _busy = keepBusy(Number(values.busy))
let broken = 0
for (const shape of shapes) {
  console.log(`faults: ${shape}, ${values.seconds} s, seed ${values.seed}`)
  const result = await run(shape, Number(values.seconds), Number(values.seed))
  report(result)
  broken += result.anomalies.length
}
// Sockets or timers of a client that a bug left open must not hold the verdict back.
process.exit(broken > 0 ? 1 : 0)

function report({ history, anomalies }: RunResult): void {
  const count = (pick: (event: Event) => boolean): number => history.events.filter(pick).length
  const faults = history.events.flatMap((e) =>
    e.type === 'fault' && e.phase === 'begin' ? [`${e.what} ${e.target}`] : [],
  )
  console.log(
    `  ${count((e) => e.type === 'send')} sends, ${count((e) => e.type === 'acked')} acks, ${count((e) => e.type === 'shown')} messages shown, ` +
      `${count((e) => e.type === 'marks')} marks seen, ${count((e) => e.type === 'view')} views, ${count((e) => e.type === 'page')} pages, ${count((e) => e.type === 'revoked')} sessions revoked, ` +
      `${count((e) => e.type === 'forgot')} links asked for, ${count((e) => e.type === 'mailed')} letters, ${count((e) => e.type === 'pushed' && e.by === 'push')} pushes to browsers, ${count((e) => e.type === 'pushed' && e.by === 'fcm')} to apps, ` +
      `${count((e) => e.type === 'registered')} registered, ${count((e) => e.type === 'gone')} gone and ${count((e) => e.type === 'turned.away')} times tried, ` +
      `${count((e) => e.type === 'change')} changes asked for, ${count((e) => e.type === 'changed')} made`,
  )
  console.log(`  ${faults.length} faults: ${tally(faults)}`)
  const slowest = Math.max(0, ...history.final.devices.map((device) => device.settledMs ?? Number.POSITIVE_INFINITY))
  const ready = Math.max(0, ...history.events.flatMap((e) => (e.type === 'ready' ? [e.tookMs] : [])))
  console.log(`  slowest device settled after ${Math.round(slowest)} ms; slowest restart ${Math.round(ready)} ms`)
  if (anomalies.length === 0) {
    console.log('  no anomaly')
    return
  }
  for (const { invariant, anomaly, detail } of anomalies.slice(0, 20))
    console.log(`  ${invariant} ${anomaly}: ${detail}`)
  const folder = fileURLToPath(new URL('./histories/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}${history.shape}-${history.seed}.json`
  writeFileSync(file, JSON.stringify({ anomalies, history }, null, 1))
  console.log(`  ${anomalies.length} anomalies with seed ${history.seed}; the history is in ${file}`)
}

function tally(names: string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, n]) => (n > 1 ? `${name} ×${n}` : name)).join(', ')
}

function asShape(text: string): Shape {
  if (text === 'all-in-one' || text === 'scale-out') return text
  console.error(`--shape is all-in-one or scale-out, not ${text}`)
  process.exit(2)
}
