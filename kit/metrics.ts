import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Bus } from './bus/bus.ts'
import type { Http } from './http.ts'

const registries = new WeakMap<Http, Registry>()

/** What an operator can watch of this process, as Prometheus reads it: `/metrics` on the internal port. Of services that share an `Http` it is one page. */
export function metricsOf(http: Http): Registry {
  const known = registries.get(http)
  if (known) return known
  const registry = new Registry()
  registries.set(http, registry)
  let scraped = false
  http.internal.get('/metrics', async (_req, res) => {
    // Watching the process costs something at each garbage collection: only where someone looks.
    if (!scraped) collectDefaultMetrics({ register: registry })
    scraped = true
    res.type(registry.contentType).send(await registry.metrics())
  })
  return registry
}

/** Whether the bus is up, once for each process. */
export function watchBus(registry: Registry, bus: Bus): void {
  if (registry.getSingleMetric('parley_bus_up')) return
  new Gauge({
    name: 'parley_bus_up',
    help: '1 while connected to the event bus',
    registers: [registry],
    collect() {
      this.set(bus.state === 'up' ? 1 : 0)
    },
  })
}
