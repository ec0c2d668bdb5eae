import type { ExportPart } from '@parley/protocol/export'
import { asParleyError, unavailable } from './error.ts'
import { refusal } from './http.ts'

/** Opens a request whose reply is read as it comes. */
export type Stream = (path: string) => Promise<Response>

const PARTS: Record<ExportPart, string> = { account: '/api/user/export', conversations: '/api/export' }
/** Longer than the line that ends a part. */
const TAIL = 200

/** Everything that the server has of who is signed in: both parts, one after the other. Rejects where one breaks off. */
export async function* exportData(open: Stream): AsyncGenerator<Uint8Array> {
  for (const [part, path] of Object.entries(PARTS)) {
    const reply = await open(path)
    if (!reply.ok || !reply.body) throw refusal(reply.status, await reply.text())
    let tail = ''
    const decoder = new TextDecoder()
    const reader = reply.body.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        tail = (tail + decoder.decode(value, { stream: true })).slice(-TAIL)
        yield value
      }
    } catch (error) {
      throw asParleyError(error)
    } finally {
      reader.cancel().catch(() => {})
    }
    if (!ends(tail, part)) throw unavailable('The export broke off: try again')
  }
}

function ends(tail: string, part: string): boolean {
  try {
    const last = JSON.parse(tail.trimEnd().split('\n').at(-1) ?? '') as { type?: unknown; part?: unknown }
    return last.type === 'end' && last.part === part
  } catch {
    return false
  }
}
