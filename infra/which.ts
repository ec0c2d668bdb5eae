import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { settings } from './settings.ts'

/** The first of these programs that can be run: absolute paths as they are, names by PATH (and the system folders that a user's PATH may lack). */
export function find(...names: string[]): string | undefined {
  const folders = [...settings.path.split(':').filter(Boolean), '/usr/sbin', '/sbin', '/usr/local/sbin']
  const candidates = names.flatMap((name) => (isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))))
  return candidates.find(runnable)
}

/** Throws an error that says what is missing, what for, and how to get it. */
export function need(what: string, ...names: string[]): string {
  const path = find(...names)
  if (path) return path
  throw new Error(
    `${what} is missing: none of ${names.join(', ')} is on PATH. \`npm test\` as root on Debian installs it.`,
  )
}

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
