import { DatabaseSync } from 'node:sqlite'

/** Opens the file as both the writer and the reader need it: WAL, each commit on disk before it returns, five seconds of patience with another process. */
export function openFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 5_000 })
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  return db
}
