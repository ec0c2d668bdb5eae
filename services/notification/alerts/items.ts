import type { AlertActor, AlertItem } from '@parley/protocol/alert'
import type { UserDirectory } from '@parley/protocol/internal'
import type { Alert } from '../store/alerts.ts'

const ACTORS_SHOWN = 3
/** What the directory is asked for at once. */
const NAMES_AT_ONCE = 500

/** These alerts as their users see them, by id, with the names that people have now. Rejects `unavailable` when those cannot be asked for. */
export async function itemsOf(
  alerts: readonly Alert[],
  users: Pick<UserDirectory, 'find'>,
): Promise<Map<string, AlertItem>> {
  const ids = [...new Set(alerts.flatMap(({ actors }) => actors.slice(0, ACTORS_SHOWN)))]
  const people = new Map<string, AlertActor>()
  for (let at = 0; at < ids.length; at += NAMES_AT_ONCE)
    for (const { id, username, displayName, colour } of await users.find(ids.slice(at, at + NAMES_AT_ONCE)))
      people.set(id, {
        ...{ id, username },
        ...(displayName !== undefined && { displayName }),
        ...(colour !== undefined && { colour }),
      })
  return new Map(alerts.map((alert) => [alert.id, itemOf(alert, people)]))
}

function itemOf(alert: Alert, people: ReadonlyMap<string, AlertActor>): AlertItem {
  const { id, kind, at, read, actors, actorCount, conversationId, seq, emoji, sessionId, device, place } = alert
  return {
    ...{ id, kind, at: new Date(at).toISOString(), read },
    actors: actors
      .slice(0, ACTORS_SHOWN)
      .map((actor) => people.get(actor) ?? { id: actor, username: '', deleted: true }),
    actorCount,
    ...(conversationId !== undefined && { conversationId }),
    ...(seq !== undefined && { seq }),
    ...(emoji !== undefined && { emoji }),
    ...(sessionId !== undefined && { sessionId, device }),
    ...(place !== undefined && { place }),
  }
}
