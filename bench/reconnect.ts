import { connectRaw } from './client.ts'
import { storeReads } from './many.ts'
import { freePort, type Served, serve } from './process.ts'
import { percentile } from './stats.ts'
import { call, LIFTED, type Subject } from './subject.ts'

export interface Reconnect {
  devices: number
  /** From the first handshake until the last device has its list. */
  allMs: number
  deviceMs: { p50: number; p99: number }
  cpuMicrosPerDevice: number
  /** What the store was asked for; what it knew already is not among it. */
  storeReadsPerDevice: number
}

/**
 * Each two of the users have talked. The server dies and comes back; then every device connects and asks for its list, at once
 * as the kernel lets it. With as many users as devices each has a token of its own, which the server has never seen.
 */
export async function reconnect(subject: Subject, folder: string, users: number, devices: number): Promise<Reconnect> {
  for (let one = 0; one + 1 < users; one += 2) {
    const message = { receiverId: subject.userId(one + 1), message: 'hello' }
    await call(subject.served.url, subject.token(one), 'POST', '/api/messages/send', message)
  }
  const port = Number(new URL(subject.served.url).port)
  await subject.served.kill()
  const internalPort = await freePort()
  const env = { ...LIFTED, PARLEY_DATA: folder, INTERNAL_PORT: String(internalPort) }
  await using served: Served = await serve('main.ts', env, { port })
  const readsBefore = await storeReads(internalPort)
  const begun = performance.now()
  const cpu = served.cpuMicros()
  const times: number[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < devices) {
      const user = next++ % users
      const started = performance.now()
      const client = await connectRaw(served.url, subject.userId(user), subject.token(user))
      await new Promise<void>((resolve) => {
        client.onAck = () => resolve()
        client.emit('sync', '{}', 1)
      })
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: 200 }, worker))
  const allMs = performance.now() - begun
  const cpuMicros = served.cpuMicros() - cpu
  return {
    devices,
    allMs,
    deviceMs: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
    cpuMicrosPerDevice: cpuMicros / devices,
    storeReadsPerDevice: ((await storeReads(internalPort)) - readsBefore) / devices,
  }
}
