import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The checkout's top folder. */
export const ROOT = join(import.meta.dirname, '..')

/** Not ours to look at: packages, builds, data. */
const APART = new Set(['node_modules', 'dist', 'data', 'results', 'histories'])

/** Every file of the project below `folder`, as paths relative to the top folder, sorted. */
export function projectFiles(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && !APART.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? projectFiles(path) : [path]
    })
    .sort()
}

/** The test files, by what they need: nothing, the real servers, or a whole Parley. */
export function testFiles(): Record<'quick' | 'infra' | 'system', string[]> {
  const all = projectFiles().filter((path) => path.endsWith('.test.ts'))
  const system = all.filter((path) => path.startsWith('test/'))
  const infra = all.filter((path) => path.endsWith('.infra.test.ts') && !system.includes(path))
  return { quick: all.filter((path) => !infra.includes(path) && !system.includes(path)), infra, system }
}
