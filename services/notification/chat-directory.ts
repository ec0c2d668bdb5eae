import { Fault } from '@parley/kit/fault'
import type { ChatDirectory, Standing } from '@parley/protocol/standing'

const TIMEOUT_MS = 5_000

/** The chat service, asked over HTTP on the internal port of one of its nodes, and of the next where one is away. What cannot be asked is `unavailable`. */
export function httpChatDirectory(baseUrls: readonly string[], internalKey: Buffer): ChatDirectory {
  const authorization = `Bearer ${internalKey.toString('base64url')}`
  let turn = 0

  async function ask(baseUrl: string, body: string): Promise<Standing | undefined> {
    const reply = await fetch(new URL('/internal/standing', baseUrl), {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    })
    if (reply.status === 404) return undefined
    if (!reply.ok) throw new Error(`the chat service answered ${reply.status}`)
    return (await reply.json()) as Standing // our own service, over a port that only services reach
  }

  return {
    async standing(question) {
      const body = JSON.stringify(question)
      let cause: unknown
      for (let tries = 0; tries < baseUrls.length; tries++) {
        try {
          return await ask(baseUrls[turn % baseUrls.length]!, body)
        } catch (error) {
          cause = error
          turn++
        }
      }
      throw new Fault('unavailable', 'The chat service cannot be asked for the moment', { cause })
    },
  }
}
