import { setTimeout as pause } from 'node:timers/promises'
import { connectAll } from './client.ts'
import type { Subject } from './subject.ts'

export interface Idle {
  connections: number
  bytesPerConnection: number
}

/** Resident memory that each further connection takes once it is authenticated and quiet. */
export async function idle(subject: Subject, users: number, connections: number): Promise<Idle> {
  // A first few bring in code and buffers that are paid once.
  const first = await connectAll(
    Array.from({ length: 100 }, (_, n) => n % users),
    (user) => subject.connect(user),
  )
  await pause(2_000)
  const before = subject.served.rss()
  const clients = await connectAll(
    Array.from({ length: connections }, (_, n) => n % users),
    (user) => subject.connect(user),
  )
  await pause(5_000)
  const bytesPerConnection = (subject.served.rss() - before) / connections
  for (const client of [...first, ...clients]) client.close()
  return { connections, bytesPerConnection }
}
