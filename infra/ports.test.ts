import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from './ports.ts'

const ASKED = 600

const script = `
import { freePort } from ${JSON.stringify(new URL('./ports.ts', import.meta.url).href)}
const ports = []
for (let i = 0; i < ${ASKED}; i++) ports.push(await freePort())
process.stdout.write(JSON.stringify(ports))
process.stdin.resume()
process.stdin.on('end', () => process.exit())
`

test('a port is given once, in this process and in any other that asks meanwhile', async (t) => {
  // Of 1,200 drawn from 20,000 some 35 pairs would be alike.
  const other = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 })
  t.after(() => void other.child.kill('SIGKILL'))
  const said = new Promise<number[]>((resolve) => other.child.stdout!.once('data', (data) => resolve(JSON.parse(data))))
  const own: number[] = []
  for (let i = 0; i < ASKED; i++) own.push(await freePort())
  const all = [...own, ...(await said)]
  assert.equal(new Set(all).size, 2 * ASKED)
  other.child.stdin!.end()
  await other
})
