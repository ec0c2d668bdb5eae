import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { commandLine, descendants, freezeTree, isAlive, killTree, run, signalTree, startTime } from './process.ts'
import { bareEnv } from './settings.ts'
import { until } from './until.ts'

/** A shell that starts another process and waits for it; both only sleep. */
async function family(t: TestContext): Promise<{ parent: number; child: number; ended: () => string | undefined }> {
  const dir = mkdtempSync(join(tmpdir(), 'parley-process-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const script = 'sleep 100 & wait'
  const parent = await run({ file: 'sh', args: ['-c', script], env: bareEnv, log: join(dir, 'log') })
  t.after(() => killTree(parent.pid))
  const child = await until('the child', 5_000, () => descendants(parent.pid)[0])
  return { parent: parent.pid, child, ended: parent.ended }
}

test('killing a process takes its children with it', async (t) => {
  const { parent, child, ended } = await family(t)
  await killTree(parent)
  assert.equal(isAlive(parent), false)
  assert.equal(isAlive(child), false)
  assert.equal(await until('its end to be known', 2_000, ended), 'SIGKILL')
})

test('a signal reaches a process and its children, and frozen ones go on afterwards', async (t) => {
  const { parent, child } = await family(t)
  signalTree(parent, 'SIGSTOP')
  signalTree(parent, 'SIGCONT')
  assert.ok(isAlive(parent) && isAlive(child))
  signalTree(parent, 'SIGKILL')
  await until('both to end', 5_000, () => !isAlive(parent) && !isAlive(child))
})

test('what is frozen does nothing more once that is said, however little time its processes are given', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'parley-process-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const count = join(dir, 'count')
  // Threads that count, and so many processes that they wait for the processor.
  const script = `
    const { Worker } = require('node:worker_threads')
    for (let n = 0; n < 4; n++) new Worker(\`
      const { appendFileSync } = require('node:fs')
      for (;;) appendFileSync(${JSON.stringify(count)}, '.')\`, { eval: true })`
  const busy = await Promise.all(
    Array.from({ length: 4 }, () =>
      run({ file: process.execPath, args: ['-e', 'for (;;);'], env: bareEnv, log: join(dir, 'log') }),
    ),
  )
  t.after(() => Promise.all(busy.map(({ pid }) => killTree(pid))))
  for (let round = 0; round < 3; round++) {
    const { pid } = await run({ file: process.execPath, args: ['-e', script], env: bareEnv, log: join(dir, 'log') })
    t.after(() => killTree(pid))
    const before = sizeOf(count)
    await until('it to count', 20_000, () => sizeOf(count) > before + 100)
    freezeTree(pid)
    const frozenAt = sizeOf(count)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    assert.equal(sizeOf(count), frozenAt)
    await killTree(pid)
  }
})

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

test('what a test started ends with it, even when it is killed', async () => {
  const starter = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'starter.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: starter.stdout }), 'line')
  const started = Number(line)
  const since = startTime(started)
  assert.ok(isAlive(started) && since !== undefined)
  starter.kill('SIGKILL')
  await until('the end of what it started', 10_000, () => startTime(started) !== since || !isAlive(started))
})

test('a program that cannot be run is an error, not silence', async () => {
  const log = join(tmpdir(), `parley-none-${process.pid}`)
  await assert.rejects(run({ file: '/nonexistent/program', args: [], env: bareEnv, log }), /ENOENT/)
  rmSync(log, { force: true })
})

test('a process that keeps starting others is killed with all of them', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'parley-process-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const mark = `30.${process.pid}`
  const script = `while true; do sleep ${mark} & sleep 0.001; done`
  const { pid } = await run({ file: 'sh', args: ['-c', script], env: bareEnv, log: join(dir, 'log') })
  await until('some to be there', 5_000, () => descendants(pid).length > 20)
  await killTree(pid)
  const left = readdirSync('/proc').filter((id) => /^\d+$/.test(id) && commandLine(Number(id)) === `sleep ${mark}`)
  assert.deepEqual(left, [])
})
