import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import { metricsOf, watchBus } from '@parley/kit/metrics'
import type { Entry } from '@parley/protocol/conversation'
import { Counter, Gauge } from 'prom-client'
import type { Connections } from './socket/connections.ts'
import type { ChatStore } from './store/store.ts'

/** What an operator can watch, as Prometheus reads it: `/metrics` on the internal port. */
export interface Metrics {
  /** An entry was committed and passed on. */
  passed(entry: Entry): void
}

/** More than this many entries that wait are counted no further. */
const MAX_COUNTED = 1_000

export function openMetrics(
  http: Http,
  connections: Connections,
  bus: Bus,
  store: Pick<ChatStore, 'log' | 'reads'>,
): Metrics {
  const { log } = store
  const registry = metricsOf(http)
  const registers = [registry]
  watchBus(registry, bus)
  new Gauge({
    name: 'parley_sockets',
    help: 'Devices connected to this node',
    registers,
    collect() {
      this.set(connections.size)
    },
  })
  new Gauge({
    name: 'parley_relay_pending',
    help: 'Entries committed and not yet relayed, by this node or by any other',
    registers,
    async collect() {
      const [own, others] = await Promise.all([log.pending(MAX_COUNTED), log.pending(MAX_COUNTED, 0)])
      this.set(new Set([...own, ...others].map(({ conversationId, rev }) => `${conversationId}/${rev}`)).size)
    },
  })
  new Counter({
    name: 'parley_store_reads_total',
    help: 'Reads that this node has asked its database for',
    registers,
    collect() {
      this.reset()
      this.inc(store.reads)
    },
  })
  const entries = new Counter({
    name: 'parley_entries_total',
    help: 'Entries committed and passed on to sockets by this node',
    labelNames: ['kind'],
    registers,
  })
  return { passed: ({ kind }) => entries.inc({ kind }) }
}
