import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { journalReader, journalWriter } from './journal.ts'

test('what was written is read once, in order, and a line that broke off takes no other with it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-journal-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'lines')
  const news = journalReader<{ n: number }>(path)
  assert.deepEqual(news(), [], 'nobody has written yet')
  const write = journalWriter<{ n: number }>(path)
  write({ n: 1 })
  write({ n: 2 })
  assert.deepEqual(news(), [{ n: 1 }, { n: 2 }])
  assert.deepEqual(news(), [])
  appendFileSync(path, '{"n":3')
  assert.deepEqual(news(), [], 'not there before its end')
  journalWriter<{ n: number }>(path)({ n: 4 })
  assert.deepEqual(news(), [{ n: 4 }])
  assert.deepEqual(journalReader(path)(), [{ n: 1 }, { n: 2 }, { n: 4 }])
})
