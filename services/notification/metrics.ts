import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import { metricsOf, watchBus } from '@parley/kit/metrics'
import { Counter, Gauge } from 'prom-client'
import type { Analytics } from './analytics/analytics.ts'
import type { PushOutcome, PushServices } from './push-service.ts'
import { AUDIT_KINDS, type AuditKind } from './store/audit.ts'
import type { Channel, Outcome } from './store/deliveries.ts'
import type { NotificationStore } from './store/store.ts'

/** What an operator can watch of notices, at `/metrics` on the internal port. */
export interface Metrics {
  /** An outcome is in the ledger. */
  settled(channel: Channel, outcome: Outcome): void
  /** A push service has answered, or has not. */
  answered(service: keyof PushServices, outcome: PushOutcome): void
  /** Something that happened to an account is in the list that was not. */
  audited(kind: AuditKind): void
}

/** More than this many are counted no further. */
const MAX_COUNTED = 1_000

export function openMetrics(
  http: Http,
  bus: Bus,
  store: NotificationStore,
  analytics: Pick<Analytics, 'today'>,
): Metrics {
  const registry = metricsOf(http)
  const registers = [registry]
  watchBus(registry, bus)
  new Gauge({
    name: 'parley_deliveries_open',
    help: 'Notices planned and not settled, by any process, counted to 1,000',
    labelNames: ['channel'],
    registers,
    async collect() {
      for (const channel of ['mail', 'push'] as const)
        this.set({ channel }, await store.deliveries.open(channel, MAX_COUNTED))
    },
  })
  new Gauge({
    name: 'parley_addresses_suspended',
    help: 'E-mail addresses that get no mail, since a server has said that nobody is there, counted to 1,000',
    registers,
    async collect() {
      this.set(await store.addresses.count(MAX_COUNTED))
    },
  })
  new Gauge({
    name: 'parley_today',
    help: 'Counted since midnight (UTC) by all processes, of messages up to a minute ago',
    labelNames: ['what'],
    registers,
    async collect() {
      const { messages, activeUsers, registrations, logIns } = await analytics.today()
      this.set({ what: 'messages' }, messages)
      this.set({ what: 'active_users' }, activeUsers)
      this.set({ what: 'registrations' }, registrations)
      this.set({ what: 'log_ins' }, logIns)
    },
  })
  const outcomes = new Counter({
    name: 'parley_deliveries_total',
    help: 'What came of tries to send, by this process',
    labelNames: ['channel', 'outcome'],
    registers,
  })
  const answers = new Counter({
    name: 'parley_push_answers_total',
    help: 'What push services said to pushes: taken, later (try again), gone (no such device any more), refused',
    labelNames: ['service', 'answer'],
    registers,
  })
  const audited = new Counter({
    name: 'parley_audit_entries_total',
    help: 'What happened to accounts and was taken into the audit list, by this process',
    labelNames: ['kind'],
    registers,
  })
  // There from the start, so that the first of a kind is seen as a rise.
  for (const kind of AUDIT_KINDS) audited.inc({ kind }, 0)
  return {
    settled: (channel, { kind }) => outcomes.inc({ channel, outcome: kind }),
    answered: (service, { kind }) => answers.inc({ service, answer: kind }),
    audited: (kind) => audited.inc({ kind }),
  }
}
