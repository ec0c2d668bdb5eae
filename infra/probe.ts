import { connect } from 'node:net'

/** Whether an HTTP GET answers 2xx within two seconds; rejects with what it says instead, for whoever waits for it in vain. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
  const said = await response.text()
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${said}`)
  return true
}

/** Whether something on this port of 127.0.0.1 answers `hello` with bytes, of which the first are `expected` (any if not given). */
export function answersBytes(port: number, hello: Buffer, expected: Buffer = Buffer.alloc(0)): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => void socket.write(hello))
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2_000, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.once('data', (data) => end(data.subarray(0, expected.length).equals(expected)))
  })
}

/** Whether something listens on this port of 127.0.0.1. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
