import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './files.ts'

/** The first version without a known hole that a stranger can use against a chat server. A package that is not there needs no floor. */
const FLOORS: Record<string, string> = {
  'socket.io-parser': '4.2.7', // CVE-2026-33151, CVE-2026-69185, CVE-2023-32695: memory and crash by attachments and event names
  'engine.io': '6.6.7', // CVE-2026-59725, CVE-2022-21676: crash by a binary POST, by reserved bits
  'socket.io': '4.6.2', // CVE-2024-38355: crash by a crafted packet
  ws: '8.21.0', // CVE-2026-48779, CVE-2026-45736, CVE-2024-37890: memory by fragments, crash by headers
  multer: '2.3.0', // CVE-2026-77078, CVE-2026-77063, CVE-2025-7338: crashes, filter bypass
  express: '5.0.0', // errors of async handlers reach the error handler
  'body-parser': '2.3.0', // CVE-2026-12590: an invalid limit disables the limit
  qs: '6.16.0', // CVE-2026-82417, CVE-2026-82562
  'path-to-regexp': '8.4.0', // CVE-2026-4867, CVE-2026-4926, CVE-2026-4923: endless matching
  nodemailer: '9.1.1', // CVE-2025-14874, CVE-2021-23400: header injection, endless addresses
  fflate: '0.8.3', // endless loop by ZIP64
  'adm-zip': '0.6.0', // CVE-2026-39244
}

test('no package in the lockfile is older than the first version without its known holes', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lockfile
  const seen = new Set<string>()
  for (const [path, { version }] of Object.entries(packages)) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const floor = FLOORS[name]
    if (!floor || !version) continue
    seen.add(name)
    assert.ok(isAtLeast(version, floor), `${path} is ${version}, and must be at least ${floor}`)
  }
  for (const name of ['socket.io', 'socket.io-parser', 'engine.io', 'ws', 'express', 'body-parser', 'qs']) {
    assert.ok(seen.has(name), `${name} was not looked at: the lockfile reads differently than this test expects`)
  }
})

test('versions are compared by number and not by letter', () => {
  assert.ok(isAtLeast('8.21.0', '8.9.1'))
  assert.ok(isAtLeast('4.2.7', '4.2.7'))
  assert.ok(!isAtLeast('8.20.1', '8.21.0'))
})

interface Lockfile {
  packages: Record<string, { version?: string }>
}

function isAtLeast(version: string, floor: string): boolean {
  return version.localeCompare(floor, 'en', { numeric: true }) >= 0
}
