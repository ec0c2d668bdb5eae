import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { until } from '../../contract/world.ts'
import { rangeOf } from './cut.ts'
import { eachList } from './postings.ts'

/** Waits until the index in `folder` has every segment that the log there fills now, and shows its changes. */
export async function untilIndexed(folder: string): Promise<void> {
  using log = new DatabaseSync(join(folder, 'chat.db'), { readOnly: true })
  const last = (table: string): number => Number(log.prepare(`SELECT max(pos) AS pos FROM ${table}`).get()?.pos ?? 0)
  const [message, change] = [last('messages'), last('changes')]
  await until(async () => {
    const { stamp, sealed, changes } = metaOf(join(folder, 'search.db'))
    const size = Number(String(stamp).split('/')[1])
    return changes >= change && (sealed + 1) * size - 1 > Math.max(message, change)
  }, 20_000)
}

/**
 * What the index says of itself. Looks at a copy: while the store removes the file and makes it anew, whoever opens it in the same process cuts
 * short the memory (`-shm`) that the new one shares, since locks between processes do not hold within one; and that ends the process (SIGBUS).
 */
export function metaOf(path: string): { stamp: string; sealed: number; changes: number } {
  const folder = mkdtempSync(join(tmpdir(), 'parley-index-'))
  try {
    const copy = join(folder, 'search.db')
    // What is written meanwhile makes the copy older than the file, or no database: then it is looked at again.
    for (const part of ['-wal', '']) if (existsSync(path + part)) copyFileSync(path + part, copy + part)
    using index = new DatabaseSync(copy, { readOnly: true })
    const rows = index.prepare('SELECT name, value FROM meta').all() as { name: string; value: string | number }[]
    const meta = new Map(rows.map(({ name, value }) => [name, value]))
    const [sealed, changes] = [Number(meta.get('sealed')), Number(meta.get('changes'))]
    return { stamp: String(meta.get('stamp')), sealed, changes }
  } catch {
    return { stamp: '', sealed: -1, changes: -1 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Every gram in it, ascending. */
export function gramsIn(path: string): number[] {
  using index = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
  const grams = new Set<number>()
  for (const { grams: block } of index.prepare('SELECT grams FROM blocks').all() as { grams: Uint8Array }[])
    eachList(block, -(2 ** 31), 2 ** 31 - 1, (_start, _end, gram) => void grams.add(gram))
  return [...grams].sort((a, b) => a - b)
}

/** Whether it has this gram of a text. */
export function hasGram(path: string, gram: string): boolean {
  const [number] = rangeOf({ gram, whole: true })
  return gramsIn(path).includes(number)
}
