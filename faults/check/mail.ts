import type { Anomaly, Event, History } from '../history.ts'

/** A request may stand still for so long in a frozen process before its letter is written, and mail tells times in seconds. */
const SLACK_MS = 15_000
/** A process that died, or stood still, with a letter in its hands gives no sign of it for so long. */
const LEASE_MS = 20_000

/** I16, of mail: who was promised a link gets it; a copy more comes only where a sender died, froze or had no answer, and is the same mail. */
export function mailChecks({ events }: History): Anomaly[] {
  return [...lost(events), ...copied(events), ...unasked(events)]
}

type Of<T extends Event['type']> = Extract<Event, { type: T }>
const of = <T extends Event['type']>(events: readonly Event[], type: T): Of<T>[] =>
  events.filter((event): event is Of<T> => event.type === type)

/** The last request of each address that was answered well, where no letter that it could have caused has arrived. */
export function missingMail(events: readonly Event[]): Of<'forgot'>[] {
  const last = new Map<string, Of<'forgot'>>()
  for (const event of of(events, 'forgot')) if ((event.status ?? 500) < 300) last.set(event.to, event)
  const mails = of(events, 'mailed')
  return [...last.values()].filter(
    ({ to, askedAt }) => !mails.some((mail) => mail.to === to && mail.writtenAt >= askedAt - SLACK_MS),
  )
}

const lost = (events: readonly Event[]): Anomaly[] =>
  missingMail(events).map(({ to, askedAt }) => ({
    invariant: 'I16',
    anomaly: 'lost-letter',
    detail: `${to} was promised a link at ${new Date(askedAt).toISOString()}, and none has come`,
  }))

function copied(events: readonly Event[]): Anomaly[] {
  const copies = Map.groupBy(of(events, 'mailed'), ({ id }) => id)
  const faults = spans(events)
  return [...copies].flatMap(([id, mails]): Anomaly[] => {
    const [from, to] = [mails[0]!.at - LEASE_MS, mails.at(-1)!.at]
    const excused =
      faults.filter((span) => span.from <= to && span.to >= from).length +
      mails.filter(({ answered }) => !answered).length
    if (mails.length <= 1 + excused) return []
    return [
      { invariant: 'I16', anomaly: 'doubled-letter', detail: `${id} came ${mails.length} times to ${mails[0]!.to}` },
    ]
  })
}

/** What may keep a sender from knowing, or saying, that a letter was taken. */
function spans(events: readonly Event[]): { from: number; to: number }[] {
  const all: { target: string; from: number; to: number }[] = []
  for (const { target, phase, at } of of(events, 'fault')) {
    if (!/^(parley|notification-\d+|mongodb)$/.test(target)) continue
    const open = all.findLast((span) => span.target === target)
    if (phase === 'begin') all.push({ target, from: at, to: Number.POSITIVE_INFINITY })
    else if (open) open.to = at
  }
  return all
}

function unasked(events: readonly Event[]): Anomaly[] {
  const asked = Map.groupBy(of(events, 'forgot'), ({ to }) => to)
  const letters = Map.groupBy(of(events, 'mailed'), ({ to }) => to)
  return [...letters].flatMap(([to, mails]): Anomaly[] => {
    const different = new Set(mails.map(({ id }) => id)).size
    const most = asked.get(to)?.length ?? 0
    if (different <= most) return []
    return [
      { invariant: 'I16', anomaly: 'phantom-letter', detail: `${to} asked ${most} times and got ${different} letters` },
    ]
  })
}
