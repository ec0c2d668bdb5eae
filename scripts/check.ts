// `npm run check`: types, lint, format, layout and the quick tests, which need nothing outside the project and are held against the documents of the interfaces.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Recording, record } from './contract.ts'
import { ROOT, testFiles } from './files.ts'
import { layoutProblems } from './layout.ts'
import { type Counts, runProgram, runTests, sum } from './steps.ts'

if (import.meta.main) {
  const { passed, failed } = await check()
  console.log(`\nchecks and quick tests: ${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

/** Runs every step even if an earlier one failed, so that one run tells all. */
export async function check(signal?: AbortSignal): Promise<Counts> {
  const bin = join(ROOT, 'node_modules')
  const tsc = join(bin, 'typescript', 'bin', 'tsc')
  const biome = join(bin, '@biomejs', 'biome', 'bin', 'biome')
  const steps = [
    await runProgram('types', [tsc], 120_000, signal),
    ...(existsSync(join(ROOT, 'web', 'tsconfig.json'))
      ? [await runProgram('types of the web client', [tsc, '--noEmit', '-p', 'web'], 120_000, signal)]
      : []),
    await runProgram('lint and format', [biome, 'check', '--colors=off', '.'], 60_000, signal),
    layoutHolds(),
  ]
  using recording = record()
  const tests = await runTests(
    {
      title: 'quick tests',
      files: testFiles().quick,
      atOnce: availableParallelism(),
      testMs: 30_000,
      withinMs: 600_000,
      nodeArgs: recording.args,
    },
    signal,
  )
  steps.push(contractHolds(recording, true))
  return sum([tests, ...steps.map((good) => ({ passed: good ? 1 : 0, failed: good ? 0 : 1 }))])
}

function layoutHolds(): boolean {
  const problems = layoutProblems()
  console.log(`\n── layout: ${problems.length === 0 ? 'good' : `FAILED\n${problems.join('\n')}`}`)
  return problems.length === 0
}

/** Whether what the tests have seen is as `/openapi.json` and `/asyncapi.json` say; with `all`, and they have seen all of it. */
export function contractHolds(recording: Recording, all: boolean): boolean {
  const { exchanges, problems } = recording.judge(all)
  const good = problems.length === 0 && exchanges > 0
  console.log(
    `\n── contract: ${good ? `good, ${exchanges} kinds of exchanges are as documented` : `FAILED\n${problems.join('\n')}`}`,
  )
  return good
}
