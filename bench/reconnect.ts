import { connectRaw } from './client.ts'
import { type Served, serve } from './process.ts'
import { percentile } from './stats.ts'
import { LIFTED, type Subject } from './subject.ts'

export interface Reconnect {
  devices: number
  /** From the first handshake until the last device has its list. */
  allMs: number
  deviceMs: { p50: number; p99: number }
  cpuMicrosPerDevice: number
}

/** The server dies and comes back; then every device connects and asks for what changed, at once as the kernel lets it. */
export async function reconnect(subject: Subject, folder: string, users: number, devices: number): Promise<Reconnect> {
  const port = Number(new URL(subject.served.url).port)
  await subject.served.kill()
  await using served: Served = await serve('main.ts', { ...LIFTED, PARLEY_DATA: folder }, { port })
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
  return {
    devices,
    allMs: performance.now() - begun,
    deviceMs: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
    cpuMicrosPerDevice: (served.cpuMicros() - cpu) / devices,
  }
}
