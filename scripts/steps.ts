import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine, descendants, killTree } from '@parley/infra/process'
import { tether } from '@parley/infra/tether'
import { ROOT } from './files.ts'

/** Tests (and other checks, each of which counts as one) that passed and failed. A test that did not run counts as failed. */
export interface Counts {
  passed: number
  failed: number
}

export const sum = (all: Counts[]): Counts => ({
  passed: all.reduce((total, each) => total + each.passed, 0),
  failed: all.reduce((total, each) => total + each.failed, 0),
})

/** Runs a program of the project with our standard output. False if it fails, takes longer than `withinMs` or `signal` ends it. */
export async function runProgram(
  title: string,
  args: string[],
  withinMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  if (signal?.aborted) return false
  console.log(`\n── ${title}`)
  const began = performance.now()
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
  if (child.pid !== undefined) tether(child.pid)
  // With what it started: the test files are processes of their own.
  const kill = () => void (child.pid !== undefined && killTree(child.pid))
  const timer = setTimeout(() => {
    console.error(`${title}: stopped, since after ${withinMs / 1_000} s these still ran:`)
    for (const pid of descendants(child.pid ?? 0)) console.error(`  ${commandLine(pid)}`)
    kill()
  }, withinMs)
  signal?.addEventListener('abort', kill)
  const code = await new Promise((resolve) => {
    child.once('error', resolve)
    child.once('exit', resolve)
  })
  clearTimeout(timer)
  signal?.removeEventListener('abort', kill)
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  console.log(`── ${title}: ${code === 0 ? 'good' : 'FAILED'} after ${seconds} s`)
  return code === 0
}

export interface Suite {
  title: string
  files: string[]
  /** Test files at once. */
  atOnce: number
  /** For one test, and for all of them. */
  testMs: number
  withinMs: number
  /** Arguments of Node itself, for each process. */
  nodeArgs?: string[]
}

/** Runs test files under node:test, each in a process of its own. A suite without tests has failed. */
export async function runTests(suite: Suite, signal?: AbortSignal): Promise<Counts> {
  if (suite.files.length === 0) {
    console.error(`\n── ${suite.title}: FAILED, there are no test files`)
    return { passed: 0, failed: 1 }
  }
  const folder = mkdtempSync(join(tmpdir(), 'parley-tests-'))
  const countsFile = join(folder, 'counts.json')
  try {
    const good = await runProgram(suite.title, [...nodeTest(suite, countsFile), ...suite.files], suite.withinMs, signal)
    return readCounts(countsFile, good)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function nodeTest({ atOnce, testMs, nodeArgs = [] }: Suite, countsFile: string): string[] {
  return [
    ...nodeArgs,
    `--import=${UNHURRIED}`,
    '--test',
    `--test-concurrency=${atOnce}`,
    `--test-timeout=${testMs}`,
    // A failed assertion that leaves a socket open must not hang the run.
    '--test-force-exit',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'counts.ts')}`,
    `--test-reporter-destination=${countsFile}`,
  ]
}

/** A process that is made to exit writes out first what its tests came to: else what its pipe had not taken yet counted as not there. */
const UNHURRIED = 'data:text/javascript,process.stdout._handle?.setBlocking?.(true)'

function readCounts(path: string, good: boolean): Counts {
  let counts: { tests: number; passed: number }
  try {
    counts = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { passed: 0, failed: 1 } // it was stopped before it could say
  }
  const failed = counts.tests - counts.passed
  return { passed: counts.passed, failed: counts.tests === 0 || (!good && failed === 0) ? failed + 1 : failed }
}
