import { createHash } from 'node:crypto'
import { BSON, type Document } from 'bson'
import pg from 'pg'

/** DocumentDB's functions: SQL that takes and gives BSON. */
export interface DocumentDB {
  /** Runs a function and reads the document in the column `r` of its one row. */
  call(sql: string, ...values: (string | Document)[]): Promise<Document>
  /** The one row of the query, as text; documents among the values are passed as BSON. */
  row(sql: string, ...values: (string | Document)[]): Promise<Record<string, string>>
}

/** A pool of connections to PostgreSQL; they are made when needed, and anew after the server was away. */
export function connectDocumentDB(url: string, connections: number): DocumentDB {
  const pool = new pg.Pool({ connectionString: url, max: connections })
  // A connection that breaks while idle is replaced at the next use.
  pool.on('error', () => {})

  async function row(sql: string, ...values: (string | Document)[]) {
    const text = values.map((value) => (typeof value === 'string' ? value : toHex(value)))
    // Short statements are the fixed ones: named, they are planned once per connection.
    const name = sql.length < 200 ? { name: nameOf(sql) } : {}
    const { rows } = await pool.query({ text: sql, values: text, ...name })
    return rows[0]
  }
  return {
    row,
    async call(sql, ...values) {
      const { r } = await row(sql, ...values)
      return fromHex(r)
    },
  }
}

/** By the whole of it: PostgreSQL keeps 63 characters of a name, in which two statements may be alike. */
const nameOf = (sql: string): string => createHash('sha256').update(sql).digest('base64url')

const PREFIX = 'BSONHEX'

/** A document as DocumentDB's functions read it. */
export const toHex = (doc: Document): string => PREFIX + Buffer.from(BSON.serialize(doc)).toString('hex')

/** A document as DocumentDB's functions give it; types are kept as they are, since it is passed on. */
export const fromHex = (hex: string): Document =>
  BSON.deserialize(Buffer.from(hex.slice(PREFIX.length), 'hex'), { promoteValues: false, promoteLongs: false })
