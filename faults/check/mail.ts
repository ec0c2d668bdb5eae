import type { Anomaly, Event, History } from '../history.ts'
import { mostCopies, type Of, of } from './senders.ts'

/** A request may stand still for so long in a frozen process before its letter is written, and mail tells times in seconds. */
const SLACK_MS = 15_000

/** I16, of mail: who was promised a link gets it; a copy more comes only where a sender died, froze or had no answer, and is the same mail. */
export function mailChecks({ events }: History): Anomaly[] {
  return [...lost(events), ...copied(events), ...unasked(events)]
}

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
  const most = mostCopies(events, ['smtp'])
  return [...copies].flatMap(([id, mails]): Anomaly[] => {
    if (mails.length <= most(mails)) return []
    return [
      { invariant: 'I16', anomaly: 'doubled-letter', detail: `${id} came ${mails.length} times to ${mails[0]!.to}` },
    ]
  })
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
