import type { DatabaseSync } from 'node:sqlite'

/** A store of a page: what each write does to it is its name. */
export function writes(db: DatabaseSync) {
  // Whoever waits for a lock waits in the tests, too.
  db.exec('PRAGMA busy_timeout = 0')
  db.exec('CREATE TABLE IF NOT EXISTS things (name TEXT NOT NULL PRIMARY KEY, size INTEGER, data BLOB) STRICT')
  const add = db.prepare('INSERT INTO things VALUES (?, ?, ?)')
  return {
    add: (name: unknown, size: unknown, bytes = 0) =>
      Number(add.run(name as string, size as number, Buffer.alloc(bytes)).changes),
    ask: (sql: string) => db.exec(sql),
    trip: () => {
      throw new TypeError('a defect of ours')
    },
    /** From now on the file may have so many pages. */
    room: (pages: number) => db.exec(`PRAGMA max_page_count = ${pages}`),
  }
}
export type Things = ReturnType<typeof writes>
