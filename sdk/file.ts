import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DeviceStorage } from './types.ts'

/** Rewrites the file when it is this many times larger than what it holds. */
const SLACK = 4
const SMALL_BYTES = 1_000_000

/**
 * Storage in one file, for Node: each write is one line of JSON, appended and fsynced, so that it is there whole or not
 * at all. Values must be JSON. One client at a time.
 */
export function fileStorage(path: string): DeviceStorage {
  let opening: Promise<KeptFile> | undefined
  let closed = false

  async function file(): Promise<KeptFile> {
    // The file may be another client's by now.
    if (closed) throw new Error(`The storage ${path} is closed`)
    opening ??= openFile(path)
    return opening
  }

  return {
    get: async (key) => structuredClone((await file()).values.get(key)),
    async list(prefix) {
      const found = [...(await file()).values].filter(([key]) => key.startsWith(prefix))
      return structuredClone(found.sort(([a], [b]) => (a < b ? -1 : 1)))
    },
    write: async (changes) => (await file()).append(changes.map(([key, value]) => [key, value ?? null])),
    clear: async () => (await file()).rewrite(true),
    async close() {
      closed = true
      const kept = await opening
      opening = undefined
      await kept?.close()
    },
  }
}

type Line = readonly (readonly [string, unknown])[]

interface KeptFile {
  values: Map<string, unknown>
  append(line: Line): Promise<void>
  rewrite(empty: boolean): Promise<void>
  close(): Promise<void>
}

async function openFile(path: string): Promise<KeptFile> {
  await mkdir(dirname(path), { recursive: true })
  const values = new Map<string, unknown>()
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  // What follows the last line break was cut off by a crash and never counted as written.
  for (const line of text.split('\n').slice(0, -1)) apply(values, JSON.parse(line) as Line)
  let handle: FileHandle | undefined
  let bytes = 0
  // One thing at a time: lines must not mix.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const done = last.then(step, step)
    last = done.catch(() => {})
    return done
  }

  async function rewrite(): Promise<void> {
    const draft = `${path}.draft`
    const whole = values.size === 0 ? '' : `${JSON.stringify([...values])}\n`
    const next = await open(draft, 'w', 0o600)
    await next.writeFile(whole)
    await next.sync()
    await rename(draft, path)
    await syncFolder(dirname(path))
    await handle?.close()
    handle = next
    bytes = Buffer.byteLength(whole)
  }

  async function append(line: Line): Promise<void> {
    const text = JSON.stringify(line)
    const data = Buffer.from(`${text}\n`)
    const start = bytes
    try {
      await handle!.write(data, 0, data.length, start)
      await handle!.datasync()
    } catch (error) {
      // A half-written line would spoil the next one.
      await handle!.truncate(start).catch(() => {})
      throw error
    }
    bytes += data.length
    apply(values, JSON.parse(text) as Line)
    live = Math.max(live, SMALL_BYTES)
    if (bytes > SLACK * live) {
      await rewrite()
      live = bytes
    }
  }

  await inTurn(rewrite)
  let live = bytes
  return {
    values,
    append: (line) => inTurn(() => append(line)),
    rewrite: (empty) =>
      inTurn(async () => {
        if (empty) values.clear()
        await rewrite()
        live = bytes
      }),
    close: () => inTurn(async () => handle?.close()),
  }
}

function apply(values: Map<string, unknown>, line: Line): void {
  for (const [key, value] of line) {
    if (value === null) values.delete(key)
    else values.set(key, value)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}
