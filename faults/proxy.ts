import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Random } from './random.ts'

/** A TCP proxy in front of the system, through which all devices talk, and which can fail as networks do. */
export interface NetworkLink extends AsyncDisposable {
  readonly url: string
  /** Cuts connections now: each with this probability, half of them in the middle of what is under way (the next bytes are cut in two, then a reset). */
  cut(probability: number): void
  /** While true, bytes are swallowed in both directions and connections stay open: a half-open link. */
  silent: boolean
}

/** Listens on a free port of 127.0.0.1 and forwards to `target`. */
export async function openProxy(target: string, { chance, below }: Random): Promise<NetworkLink> {
  const { hostname, port } = new URL(target)
  const links = new Set<Link>()
  const server = createServer({ allowHalfOpen: false }, (inner) => {
    const outer = connect(Number(port), hostname)
    const link: Link = { inner, outer, cutNext: false, swallowed: false }
    links.add(link)
    inner.setNoDelay(true)
    outer.setNoDelay(true)
    forward(inner, outer, link)
    forward(outer, inner, link)
  })

  function forward(from: Socket, to: Socket, link: Link): void {
    from.on('data', (bytes) => {
      if (proxy.silent) {
        link.swallowed = true
        return
      }
      if (!link.cutNext) return void to.write(bytes)
      // In the middle of a frame: a part of it arrives, then nothing any more.
      to.write(bytes.subarray(0, below(bytes.length)), () => end(link))
    })
    from.on('error', () => end(link))
    from.on('close', () => end(link))
  }

  function end(link: Link): void {
    if (!links.delete(link)) return
    link.inner.resetAndDestroy()
    link.outer.resetAndDestroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: NetworkLink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    silent: false,
    cut(probability) {
      for (const link of links) {
        if (!chance(probability)) continue
        // Bytes that were swallowed never come: no connection goes on without them, and one that waits for an answer to them has no next bytes.
        if (!link.swallowed && chance(0.5)) link.cutNext = true
        else end(link)
      }
    },
    async [Symbol.asyncDispose]() {
      for (const link of links) end(link)
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

interface Link {
  inner: Socket
  outer: Socket
  cutNext: boolean
  swallowed: boolean
}
