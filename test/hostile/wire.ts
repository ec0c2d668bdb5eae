import { connect } from 'node:net'

const DEADLINE_MS = 10_000

/** Writes bytes to a server as they are, and gives all that it answers until it closes the connection. */
export function exchange(url: string, request: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(Number(port), hostname, () => socket.write(request))
  let answer = ''
  const timer = setTimeout(() => {
    socket.destroy()
    reject(new Error(`not closed within ${DEADLINE_MS} ms; answered: ${answer}`))
  }, DEADLINE_MS)
  socket.setEncoding('latin1')
  socket.on('data', (data) => {
    answer += data
  })
  // A server that refuses early resets the connection while we still write: its answer counts.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearTimeout(timer)
    resolve(answer)
  })
  return promise
}

/** A request line and headers as they are, with what every request has; the server is asked to close. */
export const head = (url: string, line: string, headers: readonly string[] = []): string =>
  `${[line, `Host: ${new URL(url).host}`, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`

/** The status of each answer in what came back. */
export const statuses = (answer: string): number[] =>
  [...answer.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status))
