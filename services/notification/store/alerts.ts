import type { AlertKind } from '@parley/protocol/alert'

/** Of one user; what happened first goes for one more. */
export const ALERTS_MOST = 500
/** How long they are kept. */
export const ALERTS_KEPT_MS = 90 * 86_400_000

export interface Alert {
  /** Made of the user and the cause, so that the same cause makes the same alert, however often and wherever it is told. */
  id: string
  userId: string
  kind: AlertKind
  at: number
  /** Of what it tells of: of two states of one alert the one with the higher is true. */
  rev: number
  read: boolean
  /** There is nothing to tell of any more; kept so that what was told before that, and comes after it, changes nothing. */
  gone?: true
  /** Who did it, the latest first; of very many the latest. */
  actors: readonly string[]
  actorCount: number
  conversationId?: string
  seq?: number
  emoji?: string
  sessionId?: string
  device?: string
  place?: string
}

/** How many are unread, and the count of changes of the user's alerts: of two answers the one with the higher has the true number. */
export interface AlertState {
  rev: number
  unread: number
}

/** What a change made of one user's alerts. */
export interface AlertChange extends AlertState {
  userId: string
  items: Alert[]
}

/** The same where some were taken out. */
export interface AlertRemoval extends AlertChange {
  gone: string[]
}

/** The alerts of users: for each the latest `ALERTS_MOST`. */
export interface AlertStore {
  /** Takes these in as `merged` says, each once. Gives, for each user, those of them that there are, as they are now. */
  put(alerts: readonly Alert[]): Promise<AlertChange[]>
  /** The latest first, from those before `before`. */
  list(userId: string, before: Pick<Alert, 'at' | 'id'> | undefined, limit: number): Promise<Alert[]>
  state(userId: string): Promise<AlertState>
  /** Marks those as read, or all that happened up to `upTo`. `changed` is false where nothing of that was unread. */
  read(userId: string, which: { ids: readonly string[] } | { upTo: number }): Promise<AlertState & { changed: boolean }>
  /**
   * Takes out what is about that conversation, or by that actor alone: `gone`. What others did, too, stays, without them: `items`. What told
   * of an actor's brings nothing of it back, however late it comes again.
   */
  remove(userId: string, about: AlertSubject): Promise<AlertRemoval>
  /** Of that user nothing is kept. */
  forget(userId: string): Promise<void>
  /** Up to `limit` that happened before `before` are gone from now on, if they were not. Gives them, by user, until they are purged. */
  expire(before: number, limit: number): Promise<AlertRemoval[]>
  /** Forgets those of these that are gone, and happened before `before`. How many it were. */
  purge(ids: readonly string[], before: number): Promise<number>
}

/**
 * Of a conversation what was there up to that entry and that message, or what is about that message; of an actor everything, but what was
 * between the two since that `rev` of theirs.
 */
export type AlertSubject =
  | { conversationId: string; upTo: { rev: number; seq: number } }
  | { conversationId: string; seq: number }
  | { actorId: string; upTo: { rev: number } }

/**
 * What an alert becomes by another state of what it tells of; undefined where that is no news. It is unread again, and at its new time,
 * when somebody new did it.
 */
export function merged(old: Alert | undefined, next: Alert): Alert | undefined {
  if (!old) return next
  if (next.rev <= old.rev) return undefined
  // Into a group one is brought anew only after one has left it.
  const isAnew = old.gone || old.kind !== next.kind || next.kind === 'group.added'
  const isNews = isAnew || next.actors.some((actor) => !old.actors.includes(actor))
  return isNews || next.gone ? next : { ...next, at: old.at, read: old.read }
}

export const goneFrom = (alert: Alert): Alert => ({ ...alert, gone: true, read: true, actors: [], actorCount: 0 })

/** An alert without what that actor did: undefined where nothing is left of it. */
export function without(alert: Alert, actorId: string): Alert | undefined {
  const actors = alert.actors.filter((id) => id !== actorId)
  return actors.length > 0 ? { ...alert, actors, actorCount: alert.actorCount - 1 } : undefined
}

export function isAbout(alert: Alert, about: AlertSubject): boolean {
  const { kind, rev, seq, actors, conversationId } = alert
  if ('actorId' in about)
    return actors.includes(about.actorId) && !(kind.startsWith('contact.') && rev > about.upTo.rev)
  if (conversationId !== about.conversationId) return false
  if ('seq' in about) return seq === about.seq
  return seq === undefined ? rev <= about.upTo.rev : seq <= about.upTo.seq
}
