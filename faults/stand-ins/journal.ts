import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

/**
 * A file of JSON lines that one process writes and another reads. A line is there once `write` has returned, however the writer ends: the
 * system has it, and only the machine's own end could take it back. One that broke off in the middle is no line.
 */
export function journalWriter<T>(path: string): (line: T) => void {
  const file = openSync(path, 'a')
  // What a killed process began would else run on into the first line of this one.
  if (fstatSync(file).size > 0) writeSync(file, '\n')
  return (line) => void writeSync(file, `${JSON.stringify(line)}\n`)
}

/** Gives the lines that have come since the last call, the oldest first; none while there is no file. */
export function journalReader<T>(path: string): () => T[] {
  let at = 0
  return () => {
    const bytes = bytesFrom(path, at)
    const end = bytes.lastIndexOf('\n') + 1
    at += end
    return bytes
      .subarray(0, end)
      .toString()
      .split('\n')
      .flatMap((line) => parsed<T>(line))
  }
}

function bytesFrom(path: string, at: number): Buffer {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - at))
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, at))
  } finally {
    closeSync(file)
  }
}

function parsed<T>(line: string): T[] {
  try {
    return [JSON.parse(line) as T]
  } catch {
    return []
  }
}
