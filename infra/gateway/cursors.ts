import { type Document, Long } from 'bson'
import { type DocumentDB, fromHex } from './documentdb.ts'
import { failure } from './errors.ts'

/** Cursors live until they are exhausted or killed: the continuation document is all that DocumentDB needs for the next page. */
export function openCursors(documentdb: DocumentDB) {
  const continuations = new Map<bigint, string>()
  let nextId = 1n

  function page(id: bigint, row: Record<string, string | null>): Document {
    const reply = fromHex(String(row.cursorpage))
    if (row.continuation) continuations.set(id, row.continuation)
    else continuations.delete(id)
    reply.cursor.id = row.continuation ? Long.fromBigInt(id) : Long.ZERO
    return reply
  }

  return {
    /** Runs a query by one of DocumentDB's `…_cursor_first_page` functions. */
    async open(name: string, db: string, command: Document): Promise<Document> {
      const id = nextId++
      const sql = `select cursorpage, continuation, cursorid from documentdb_api.${name}_cursor_first_page($1, $2, $3)`
      return page(id, await documentdb.row(sql, db, command, id.toString()))
    },

    async more(db: string, command: Document): Promise<Document> {
      const id = BigInt(command.getMore.toString())
      const continuation = continuations.get(id)
      if (continuation === undefined) return failure(43, 'CursorNotFound', `cursor id ${id} not found`)
      const sql = 'select cursorpage, continuation from documentdb_api.cursor_get_more($1, $2, $3)'
      return page(id, await documentdb.row(sql, db, command, continuation))
    },

    kill(ids: Long[]): Document {
      for (const id of ids) continuations.delete(BigInt(id.toString()))
      return { cursorsKilled: ids, cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [], ok: 1 }
    },
  }
}
