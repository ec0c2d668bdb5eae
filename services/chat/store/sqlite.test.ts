import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import { hasGram, untilIndexed } from './sqlite/search/index.fixture.ts'
import { READS, WRITES } from './sqlite/statements.ts'
import { sqliteStore } from './sqlite.ts'
import { chatStoreContract, type OpenedStore, type OpenOptions, type ReadPlan } from './store.contract.ts'

chatStoreContract('sqlite', openSqlite)

async function openSqlite(
  t: TestContext,
  { appendQueue, leaseMs, searchSegment }: OpenOptions = {},
): Promise<OpenedStore> {
  const options = {
    limits: { ...LIMITS, appendQueue: appendQueue ?? LIMITS.appendQueue },
    ...(leaseMs && { leaseMs }),
    ...(searchSegment && { searchSegment }),
  }
  const folder = await mkdtemp(join(tmpdir(), 'parley-chat-'))
  const address = join(folder, 'chat.db')
  let store = await sqliteStore(address, options)
  t.after(async () => {
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  return {
    store,
    async reopen() {
      await store[Symbol.asyncDispose]()
      store = await sqliteStore(address, options)
      return store
    },
    child: { module: new URL('sqlite.ts', import.meta.url).href, factory: 'sqliteStore', address },
    explainReads: async () => explain(address),
    indexed: () => untilIndexed(folder),
    isIndexed: async (gram) => hasGram(join(folder, 'search.db'), gram),
  }
}

/** Deletions look for their rows, too. */
const SEARCHES = {
  ...READS,
  ...Object.fromEntries(Object.entries(WRITES).filter(([, sql]) => sql.startsWith('DELETE'))),
}

function explain(path: string): ReadPlan[] {
  using db = new DatabaseSync(path, { readOnly: true })
  return Object.entries(SEARCHES).map(([read, sql]) => {
    const lines = db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row.detail))
    return {
      read,
      plan: lines.join('\n'),
      indexed: lines.every((line) => !line.startsWith('SCAN') || line.startsWith('SCAN (subquery')),
      sorts: lines.some((line) => line.includes('TEMP B-TREE')),
    }
  })
}
