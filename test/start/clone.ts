import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/** A folder with what git tracks and nothing else, as a clean clone has it; removed when it is disposed of. */
export function cleanClone(): Disposable & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'parley-clone-'))
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean)
  for (const path of tracked.filter((path) => existsSync(join(ROOT, path))))
    cpSync(join(ROOT, path), join(folder, path))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}
