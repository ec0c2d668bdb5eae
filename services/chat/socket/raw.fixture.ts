import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'

/** A WebSocket that speaks frames of a test's own making. */
export interface RawSocket {
  ws: WebSocket
  send(frame: string | Buffer): void
  /** The next frame that begins with `prefix`, from the first on; rejects after 5 s. */
  frame(prefix: string): Promise<string>
  /** Resolves with the close code; rejects after 5 s. */
  closed(): Promise<number>
}

export async function rawSocket(t: TestContext, url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { headers })
  t.after(() => ws.terminate())
  const frames: string[] = []
  let arrived = Promise.withResolvers<void>()
  ws.on('message', (data) => {
    frames.push(String(data))
    arrived.resolve()
    arrived = Promise.withResolvers()
  })
  ws.on('error', () => undefined)
  const closing = new Promise<number>((resolve) => ws.on('close', resolve))
  await once(ws, 'open', { signal: AbortSignal.timeout(5_000) })

  return {
    ws,
    send: (frame) => ws.send(frame),
    async frame(prefix) {
      const late = AbortSignal.timeout(5_000)
      for (;;) {
        const index = frames.findIndex((frame) => frame.startsWith(prefix))
        if (index >= 0) return frames.splice(index, 1)[0]!
        await Promise.race([
          arrived.promise,
          aborted(late, `no frame ${prefix}; got ${frames.join(' ').slice(0, 500)}`),
        ])
      }
    },
    closed() {
      return Promise.race([closing, aborted(AbortSignal.timeout(5_000), 'the socket was not closed')])
    },
  }
}

/** A raw socket that has signed in with the token and was placed. */
export async function rawDevice(t: TestContext, url: string, token: string): Promise<RawSocket> {
  const raw = await rawSocket(t, url)
  await raw.frame('0')
  raw.send(`40${JSON.stringify({ token })}`)
  await raw.frame('42["hello"')
  return raw
}

function aborted(signal: AbortSignal, message: string): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error(message)), { once: true }))
}
