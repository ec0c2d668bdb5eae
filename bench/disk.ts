import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { percentile } from './stats.ts'

const SYNCS = 500

/** What the disk takes to make 4 KiB at the end of a file durable: no durable message can be acknowledged sooner. */
export function syncMs(): { p50: number; p99: number } {
  const folder = mkdtempSync(join(tmpdir(), 'parley-disk-'))
  const file = openSync(join(folder, 'log'), 'w')
  const page = Buffer.alloc(4_096)
  const times: number[] = []
  for (let sync = 0; sync < SYNCS; sync++) {
    const begun = performance.now()
    writeSync(file, page)
    fdatasyncSync(file)
    times.push(performance.now() - begun)
  }
  closeSync(file)
  rmSync(folder, { recursive: true })
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}
