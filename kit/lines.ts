import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import { Fault } from './fault.ts'

/** Answers with JSON values, one a line (NDJSON), as fast as they are taken: what waits in memory is one batch, however long it all is. */
export interface Lines {
  /**
   * One at a time for each `key`: another is `rate.limited`. What goes wrong before the first batch is a refusal as any other; later
   * it breaks the connection off, so that nobody takes a part for the whole. Whoever takes nothing for a minute is cut.
   */
  send(res: Response, key: string, fileName: string, batches: AsyncIterable<readonly object[]>): Promise<void>
}

const IDLE_MS = 60_000
const AGAIN_MS = 10_000

export function openLines(): Lines {
  const underWay = new Set<string>()

  return {
    async send(res, key, fileName, batches) {
      if (underWay.has(key))
        throw new Fault('rate.limited', 'One is under way already: wait until it is done', { retryAfterMs: AGAIN_MS })
      underWay.add(key)
      const iterator = batches[Symbol.asyncIterator]()
      try {
        const first = await iterator.next()
        res.status(200).type('application/x-ndjson')
        res.set({ 'Content-Disposition': `attachment; filename="${fileName}"`, 'Cache-Control': 'no-store' })
        res.setTimeout(IDLE_MS, () => res.destroy())
        await pipeline(Readable.from(texts(first, iterator), { highWaterMark: 1 }), res)
      } catch (error) {
        // Whoever asked has gone, or was cut: there is nobody to tell.
        if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
      } finally {
        underWay.delete(key)
        await iterator.return?.()
      }
    },
  }
}

async function* texts(
  first: IteratorResult<readonly object[]>,
  rest: AsyncIterator<readonly object[]>,
): AsyncGenerator<string> {
  for (let batch = first; !batch.done; batch = await rest.next())
    if (batch.value.length > 0) yield `${batch.value.map((line) => JSON.stringify(line)).join('\n')}\n`
}
