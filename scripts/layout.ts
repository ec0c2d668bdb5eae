import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { projectFiles, ROOT } from './files.ts'

/** What breaks the rules of the layout that neither compiler nor linter knows; one line each. */
export function layoutProblems(): string[] {
  return projectFiles()
    .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
    .flatMap((path) => problemsOf(path, readFileSync(join(ROOT, path), 'utf8'), packageOf))
}

/** The problems of one file; `packageFolder` names the package that a path belongs to. */
export function problemsOf(path: string, source: string, packageFolder: (path: string) => string): string[] {
  const problems: string[] = []
  for (const [, target] of source.matchAll(RELATIVE_IMPORT)) {
    const to = normalize(join(dirname(path), target!))
    if (packageFolder(to) !== packageFolder(path))
      problems.push(`${path}: ${target} leaves the package: import it by the package's name`)
  }
  if (path.endsWith('.test.ts') || path.endsWith('.contract.ts')) {
    for (const [found] of source.matchAll(NOT_RUN)) problems.push(`${path}: "${found.trim()}" keeps tests from running`)
  }
  return problems
}

const RELATIVE_IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*['"](\.{1,2}\/[^'"]*)['"]/g
const NOT_RUN = /\b(?:test|it|describe|suite|t)\.(?:only|skip|todo)\(|[{,]\s*(?:only|skip|todo):[^,}]*/g

/** The nearest folder with a package.json; '' is the root package: main.ts, scripts, test, faults and bench. */
function packageOf(path: string): string {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (folder.startsWith('..')) return folder
    if (existsSync(join(ROOT, folder, 'package.json'))) return folder
  }
  return ''
}
