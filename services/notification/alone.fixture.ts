import { createInterface } from 'node:readline'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { listen } from '@parley/kit/http'
import { openLog } from '@parley/kit/log'
import type { BusEvent } from '@parley/protocol/events'
import { startNotification } from './app.ts'
import type { Digests } from './mail/digest.ts'
import { startDigestRounds } from './mail/digest-rounds.ts'
import { FROM, INTERNAL_KEY, ORIGIN } from './service.fixture.ts'
import { sqliteStore } from './store/sqlite.ts'

/**
 * The notification service alone in a process, for the tests that kill and freeze it. Prints `ready`, then publishes each line
 * of its input, an event as JSON, and prints the event's id when the bus has taken it. `{id, unreadBy}` notes, in place of that, that
 * something is unread in the conversation `id`.
 */
const { STORE, SMTP_URL, PACE } = process.env
const log = openLog('notification', 'silent')
const http = await listen({ host: '127.0.0.1', port: 0, log })
const bus = aloneBus({ log })
const store = sqliteStore(STORE!)
/** Something is always unread, so that what is lost or doubled is what was noted. */
const digests: Digests = async ({ userId }) => ({
  mail: {
    ...{ kind: 'digest', to: 'ann@example.org', username: 'ann', userId, further: 0 },
    parts: [{ kind: 'direct', title: '', count: 1, more: false, senders: ['bob'], texts: [] }],
    unsubscribe: `${ORIGIN}/unsubscribe`,
  },
})
const { mailPlanned: planned } = await startNotification({
  store,
  bus,
  http,
  keys: { internal: INTERNAL_KEY },
  users: { find: async (ids) => ids.map((id) => ({ id, username: '' })) },
  digests,
  config: { publicUrl: ORIGIN, mail: { smtpUrl: SMTP_URL!, from: FROM }, audit: { keptMs: 86_400_000 } },
  log,
  pace: JSON.parse(PACE!),
})
const pace = { afterMs: 300, everyMs: 3_600_000, leaseMs: 2_500 }
const rounds = startDigestRounds({ store: store.digests, digests, log, planned }, pace)
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line) as BusEvent | { id: string; unreadBy: string }
  if ('unreadBy' in asked) await rounds.note(asked.id, [asked.unreadBy])
  else await bus.publish(asked)
  process.stdout.write(`${asked.id}\n`)
}
