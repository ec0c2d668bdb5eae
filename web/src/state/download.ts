/** Browsers keep a blob that is made of blobs on disk: so much at most stands in memory by itself. */
const PART_BYTES = 4_000_000

/** All of it as one file; undefined when it was given up. `told` hears how many bytes there are so far. */
export async function gather(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  told: (bytes: number) => void,
): Promise<Blob | undefined> {
  const parts: Blob[] = []
  let waiting: BlobPart[] = []
  let size = 0
  let total = 0
  const pack = (): void => {
    parts.push(new Blob(waiting))
    waiting = []
    size = 0
  }
  for await (const chunk of chunks) {
    if (signal.aborted) return undefined
    waiting.push(chunk as Uint8Array<ArrayBuffer>)
    size += chunk.byteLength
    total += chunk.byteLength
    if (size >= PART_BYTES) pack()
    told(total)
  }
  pack()
  return new Blob(parts, { type: 'application/x-ndjson' })
}

/** Lets the browser keep it under that name. */
export function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // Not at once: the browser may not have begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
