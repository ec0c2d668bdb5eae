import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import type { Entry } from '@parley/protocol/conversation'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Connections } from './connections.ts'

/** What an operator can watch, as Prometheus reads it: `/metrics` on the internal port. */
export interface Metrics {
  /** An entry was committed and passed on. */
  passed(entry: Entry): void
}

export function openMetrics(http: Http, connections: Connections, bus: Bus): Metrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'parley_sockets',
    help: 'Devices connected to this node',
    registers,
    collect() {
      this.set(connections.size)
    },
  })
  new Gauge({
    name: 'parley_bus_up',
    help: '1 while connected to the event bus',
    registers,
    collect() {
      this.set(bus.state === 'up' ? 1 : 0)
    },
  })
  const entries = new Counter({
    name: 'parley_entries_total',
    help: 'Entries committed and passed on to sockets by this node',
    labelNames: ['kind'],
    registers,
  })
  http.internal.get('/metrics', async (_req, res) => {
    res.type(registry.contentType).send(await registry.metrics())
  })
  return { passed: ({ kind }) => entries.inc({ kind }) }
}
