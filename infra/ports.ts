import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/**
 * A port of 127.0.0.1 that nothing listens on, and that nobody else is given while this process lives. Below the range that the kernel gives to
 * outgoing connections (32768 and up on Linux): else such a connection could take the port of a killed server before it is started again.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(12_000, 32_000)
    if ((await reserve(port)) && (await isFree(port))) return port
  }
  throw new Error('No free port was found between 12000 and 32000')
}

/**
 * Between the asking and the listening, and while its server is killed, a port looks free to all who ask, in other processes as well. The UDP port
 * of the same number, which nothing here uses, marks it as given: the kernel gives it to one, and takes it back when that process ends.
 */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const mark = createSocket('udp4')
    mark.once('error', () => resolve(false))
    mark.bind({ address: '127.0.0.1', port, exclusive: true }, () => {
      mark.unref()
      resolve(true)
    })
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
