import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { until } from './until.ts'

/**
 * Holds the file as this process's alone until disposed. The kernel gives it up when the process dies in any way, so there is no stale lock to clean.
 * `undefined` if another process has it.
 */
export function tryLock(path: string): Disposable | undefined {
  mkdirSync(dirname(path), { recursive: true })
  const file = new DatabaseSync(path)
  try {
    file.exec('BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => file.close() }
  } catch (error) {
    file.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined
    throw error
  }
}
const SQLITE_BUSY = 5

/** Waits for the lock; rejects after `withinMs`. */
export function lock(path: string, withinMs: number): Promise<Disposable> {
  return until(`the lock ${path}`, withinMs, () => tryLock(path))
}
