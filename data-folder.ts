import { mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The folder with everything that must survive, held by this process alone. */
export interface DataFolder extends Disposable {
  /** The path of a file in it. */
  file(name: string): string
}

/**
 * Makes the folder if it is not there, and takes it. Throws an error that says what is wrong: it cannot be made or written, or
 * another process has it. The lock is SQLite's own on a file, so it ends with the process however that dies.
 */
export function openDataFolder(path: string): DataFolder {
  const lock = openLock(path)
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (by INTEGER); COMMIT')
  } catch (error) {
    lock.close()
    const { errstr } = error as { errstr?: string }
    throw new Error(
      errstr === 'database is locked'
        ? `The data folder ${path} is in use by another Parley: stop that one, or set PARLEY_DATA to another folder`
        : `The data folder ${path} cannot be written: ${(error as Error).message}`,
    )
  }
  return {
    file: (name) => join(path, name),
    [Symbol.dispose]: () => lock.close(),
  }
}

function openLock(path: string): DatabaseSync {
  try {
    makeFolder(resolve(path))
    return new DatabaseSync(join(path, 'lock'), { timeout: 0 })
  } catch (error) {
    throw new Error(`The data folder ${path} cannot be made or written: ${(error as Error).message}`)
  }
}

/** Node's own recursive mode never returns where even an existing parent says ENOENT, as in /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  if (!statSync(dirname(path), { throwIfNoEntry: false })) makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}
