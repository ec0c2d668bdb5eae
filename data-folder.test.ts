import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDataFolder } from './data-folder.ts'

function temporary(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-folder-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a data folder belongs to one process at a time, and is free again once that process is killed', async (t) => {
  const path = join(temporary(t), 'deep', 'data')
  const script = `import { openDataFolder } from ${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))}
    openDataFolder(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data', { signal: AbortSignal.timeout(10_000) })
  assert.throws(() => openDataFolder(path), /in use by another Parley/)
  holder.kill('SIGKILL')
  await once(holder, 'exit', { signal: AbortSignal.timeout(5_000) })
  using folder = openDataFolder(path)
  assert.equal(folder.file('chat.db'), join(path, 'chat.db'))
})

test('a data folder that cannot be made says so', (t) => {
  const path = temporary(t)
  writeFileSync(join(path, 'file'), '')
  assert.throws(() => openDataFolder(join(path, 'file', 'data')), /cannot be made or written/)
  assert.throws(() => openDataFolder('/proc/parley/data'), /cannot be made or written/)
})
