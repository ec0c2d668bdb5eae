import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import { parse } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import { Id } from '@parley/protocol/ids'
import { type AnalyticsStore, DAY_MS, type DayCounts, dayOf, type Fact, startOf } from '../store/analytics.ts'

/** Numbers of each day (UTC) for the operator: no content, no addresses, and of no closed day who it was. */
export interface Analytics extends AsyncDisposable {
  /** The days from `from` to `to`, both included, ascending; without those of which there is nothing. Its messages are counted up to now. */
  read(from: string, to: string): Promise<(DayCounts & { day: string })[]>
  /** These alerts were stored, or were before. Each counts on the day of its time, if that is open. Resolves when that is stored. */
  alerted(alerts: readonly { id: string; at: number }[]): Promise<void>
  /** What is counted of today; of messages up to a minute ago. */
  today(): Promise<Omit<DayCounts, 'notices'>>
}

/** Days that ended so long ago are closed: until then an event may come late, or again, and who was active is kept. */
const OPEN_DAYS = 2
/** A day that no process was there to close in time is closed as long as the ledger has its notices. */
const CLOSED_LATE_DAYS = 28
export const DAYS_KEPT = 400
const COUNT_MS = 60_000
const CLOSE_MS = 3_600_000
const MOST_KNOWN = 100_000

/**
 * Counts what the bus tells of, and closes days. An event counts on the day on which it occurred, or today if that one is closed; so
 * it counts once, however often it comes within two days. A message counts on the day on which this service counts it, mostly
 * within a minute. Who sent something or logged in is kept until the day is closed, then only how many.
 */
export async function startAnalytics(needs: {
  store: AnalyticsStore
  bus: Pick<Bus, 'subscribe'>
  log: Log
  now?: () => number
}): Promise<Analytics> {
  const { store, bus, log, now = Date.now } = needs
  /** Noted before: who sends all day long costs one write. */
  const known = new Set<string>()
  let stopping = false

  /** Resolves when it is stored: until then the bus keeps it. */
  async function note(facts: readonly Fact[]): Promise<void> {
    const news = facts.filter((fact) => !known.has(keyOf(fact)))
    if (news.length === 0) return
    crashPoint('analytics.before-note')
    await store.note(news)
    crashPoint('analytics.after-note')
    if (known.size + news.length > MOST_KNOWN) known.clear()
    for (const fact of news) known.add(keyOf(fact))
  }

  const isOpen = (at: number): boolean => {
    const today = startOf(dayOf(now()))
    return at >= today - OPEN_DAYS * DAY_MS && at < today + 2 * DAY_MS
  }

  function dayFor(occurredAt: string): string {
    const at = Date.parse(occurredAt)
    return dayOf(isOpen(at) ? at : now())
  }

  const countsOf = async (day: string): Promise<DayCounts> => ({
    ...(await store.count(day)),
    notices: await store.notices(day),
  })

  async function close(): Promise<void> {
    const today = startOf(dayOf(now()))
    const days = Array.from({ length: CLOSED_LATE_DAYS - OPEN_DAYS }, (_, n) =>
      dayOf(today - (CLOSED_LATE_DAYS - n) * DAY_MS),
    )
    const closed = new Set((await store.closed(days[0]!, days.at(-1)!)).map(({ day }) => day))
    for (const day of days) {
      if (stopping) return
      if (closed.has(day)) continue
      const counts = await countsOf(day)
      if (!isNothing(counts)) await store.close(day, counts)
    }
    await store.purge(dayOf(today - DAYS_KEPT * DAY_MS), days[0]!)
  }

  /** Now, and every so often. Disposing of it waits for what is under way. */
  function every(ms: number, work: () => Promise<void>): AsyncDisposable {
    let running: Promise<void> | undefined
    async function run(): Promise<void> {
      await work().catch((error: Error) => log.warn({ cause: error.message }, 'a day was not counted, and will be'))
      running = undefined
    }
    const begin = (): void => {
      if (!running) running = run()
    }
    begin()
    const timer = setInterval(begin, ms).unref()
    return {
      async [Symbol.asyncDispose]() {
        stopping = true
        clearInterval(timer)
        await running
      },
    }
  }

  await using stack = new AsyncDisposableStack()
  stack.use(every(COUNT_MS, () => store.countMessages(dayOf(now()))))
  stack.use(every(CLOSE_MS, close))
  stack.use(
    await bus.subscribe('notification.analytics', async (event) => {
      const day = dayFor(event.occurredAt)
      switch (event.type) {
        case 'messages.created':
          return note((event.data.senderIds ?? []).map((id) => active(day, userOf(id))))
        case 'user.registered': {
          const id = userOf(event.data.id)
          return note([{ day, kind: 'registered', id }, active(day, id)])
        }
        case 'security.noted': {
          const { kind, userId } = event.data
          if (kind !== 'session.started') return
          return note([{ day, kind: 'logIn', id: event.id }, active(day, userOf(userId))])
        }
        default:
          return event satisfies never
      }
    }),
  )
  const running = stack.move()
  return {
    async read(from, to) {
      await store.countMessages(dayOf(now()))
      const today = startOf(dayOf(now()))
      const open = Array.from({ length: OPEN_DAYS + 2 }, (_, n) => dayOf(today - (OPEN_DAYS + 1 - n) * DAY_MS))
      const asked = open.filter((day) => day >= from && day <= to)
      // First what may be closed meanwhile: what is closed is true.
      const counts = await Promise.all(asked.map(async (day) => ({ day, counts: await countsOf(day) })))
      const closed = await store.closed(from, to)
      const all = new Map([...closed, ...counts].map(({ day, counts }) => [day, counts]))
      for (const { day, counts } of closed) all.set(day, counts)
      return [...all].flatMap(([day, counts]) => (isNothing(counts) ? [] : [{ day, ...counts }]))
    },
    alerted: (alerts) =>
      note(alerts.flatMap(({ id, at }) => (isOpen(at) ? { day: dayOf(at), kind: 'alert', id } : []))),
    today: () => store.count(dayOf(now())),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Throws `validation.failed` for what is no user's: such an event is told by nobody of ours, and no store would ever take it. */
const userOf = (id: unknown): string => parse(Id, id)

const active = (day: string, id: string): Fact => ({ day, kind: 'active', id })

const keyOf = ({ day, kind, id }: Fact): string => `${day}/${kind}/${id}`

const isNothing = ({ messages, activeUsers, registrations, logIns, notices }: DayCounts): boolean =>
  [messages, activeUsers, registrations, logIns, ...Object.values(notices).flatMap((of) => Object.values(of))].every(
    (n) => n === 0,
  )
