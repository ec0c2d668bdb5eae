import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bus } from '@parley/kit/bus/bus'
import { crashPoint } from '@parley/kit/crash'
import type { Log } from '@parley/kit/log'
import type { ChatDirectory } from '@parley/protocol/standing'
import { answerFor, answersOf, decisionOf, isCause, type Verdict } from './answers.ts'
import { decide, reasonForAll } from './decision.ts'
import { PREFERRED, type Preferences } from './preferences.ts'
import { FRESH_MS, pushesOf } from './push-note.ts'
import type { NotificationStore } from './store/store.ts'
import { type Answer, LOOK_BACK, type News, type Round, type Watch } from './store/watches.ts'
import { tellingOf } from './telling.ts'

/** Hears of messages from the bus, lets a moment pass in which they may be read, then decides once for all who are in the conversation whom to push to. */
export type Notices = AsyncDisposable

export interface NoticeOptions {
  /** How long a message waits before it is decided whether anybody is told. */
  graceMs?: number
  /** How long one process may take to decide on one conversation. */
  leaseMs?: number
  now?: () => number
}

/** What is heard within this time is noted in one write. */
const GATHER_MS = 20
const AT_ONCE = 8
const MOST_WAITING = 100_000
/** Clocks of two processes may differ by that much. */
const MARGIN_MS = 1_000
/** What another process noted, or left when it died, is looked for at least that often. */
const LOOK_MS = 1_000
const RETRY_MS = [1_000, 30_000] as const

export async function openNotices(
  deps: {
    store: Pick<NotificationStore, 'watches' | 'devices' | 'preferences'>
    chat: ChatDirectory
    bus: Pick<Bus, 'subscribe'>
    log: Log
    /** Told of those who have something unread and are not here. Resolves when that is kept. */
    unread: (conversationId: string, userIds: readonly string[]) => Promise<void>
    /** Called when something is to be pushed. */
    planned: () => void
  },
  options: NoticeOptions = {},
): Promise<Notices> {
  const { store, chat, bus, log, unread, planned } = deps
  const { graceMs = 5_000, leaseMs = 20_000, now = Date.now } = options
  const owner = randomUUID()
  const heard = new Map<string, News>()
  /** Until when it is sure that nobody decides in a conversation in which something waits. */
  const waiting = new Map<string, { until: number; fromSeq: number }>()
  /** Heard while something waits there: noted only when it is due. If that is lost with this process, whoever decides finds it in the conversation. */
  const deferred = new Map<string, News>()
  /** How often in a row this process could decide nothing there. */
  const failures = new Map<string, number>()
  let noting: Promise<void> | undefined
  const deciding = new Set<Promise<void>>()
  let woken = false
  let rouse = (): void => undefined
  const closing = new AbortController()

  /** Resolves when all of it is noted: until then the bus keeps it. */
  async function hear(all: readonly News[]): Promise<void> {
    const at = now()
    for (const one of all) {
      const { conversationId, fromSeq = 1 } = one
      const { until, fromSeq: known } = waiting.get(conversationId) ?? NOT_WAITING
      // What begins before all that was heard is found by nobody.
      const news = until > at && fromSeq >= known ? deferred : heard
      news.set(conversationId, together(one, news.get(conversationId)))
    }
    if (heard.size === 0) return
    noting ??= noteHeard()
    await noting
  }

  async function noteHeard(): Promise<void> {
    await pause(GATHER_MS)
    noting = undefined
    const news = [...heard.values()]
    heard.clear()
    await note(news)
    wake()
  }

  async function noteDeferred(): Promise<void> {
    const at = now()
    const due = [...deferred.values()].filter(({ conversationId }) => (waiting.get(conversationId)?.until ?? 0) <= at)
    if (due.length === 0) return
    await note(due)
    for (const one of due) if (deferred.get(one.conversationId) === one) deferred.delete(one.conversationId)
  }

  async function note(news: readonly News[]): Promise<void> {
    crashPoint('notices.before-note')
    const noted = await store.watches.note(news, now() + graceMs)
    if (waiting.size + news.length > MOST_WAITING) waiting.clear()
    const dues = new Map(noted.map(({ conversationId, dueAt }) => [conversationId, dueAt]))
    for (const { conversationId, fromSeq = 1 } of news) {
      const dueAt = dues.get(conversationId)
      if (dueAt !== undefined) waiting.set(conversationId, { until: dueAt - MARGIN_MS, fromSeq })
    }
    crashPoint('notices.after-note')
  }

  /** Claims what is due as far as there is room, for ever; one conversation that takes long holds up no other. */
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      woken = false
      try {
        await noteDeferred()
        const room = AT_ONCE - deciding.size
        const claims = room > 0 ? await store.watches.claim({ owner, now: now(), leaseMs, limit: room }) : []
        for (const watch of claims) begin(watch)
        if (claims.length === room) await rest(room === 0 ? LOOK_MS : 0)
        else await rest(await untilDue())
      } catch (error) {
        log.warn({ err: error }, 'what waits to be decided on cannot be read')
        await rest(LOOK_MS)
      }
    }
    await Promise.all(deciding)
  }

  async function untilDue(): Promise<number> {
    const next = (await store.watches.nextDue()) ?? Number.POSITIVE_INFINITY
    return Math.max(GATHER_MS, Math.min(LOOK_MS, next - now()))
  }

  /** Until the time is over, or there may be something to do. */
  async function rest(ms: number): Promise<void> {
    if (woken || ms === 0) return
    const end = new AbortController()
    rouse = () => end.abort()
    await pause(ms, undefined, { signal: end.signal }).catch(() => undefined)
  }

  function wake(): void {
    woken = true
    rouse()
  }

  function begin(watch: Watch): void {
    const work = decideOn(watch).finally(() => {
      deciding.delete(work)
      wake()
    })
    deciding.add(work)
  }

  async function decideOn(watch: Watch): Promise<void> {
    try {
      const at = now()
      const { round, pushes, headSeq, away } = watch.decided
        ? await leftOf(watch, watch.decided)
        : await decided(watch, at)
      await unread(watch.conversationId, away)
      crashPoint('notices.before-decide')
      await store.watches.decide(watch, round, pushes, { seq: headSeq, dueAt: now() + graceMs })
      crashPoint('notices.after-decide')
      failures.delete(watch.conversationId)
      if (pushes.length > 0) planned()
    } catch (error) {
      log.warn({ err: error, conversationId: watch.conversationId }, 'it cannot be decided now whom to tell')
      const [least, most] = RETRY_MS
      const before = failures.get(watch.conversationId) ?? 0
      if (failures.size >= MOST_WAITING) failures.clear()
      failures.set(watch.conversationId, before + 1)
      const after = Math.ceil(Math.min(most, least * 2 ** Math.min(before, 10)) * (0.5 + Math.random() / 2))
      await store.watches.postpone(watch, now() + after).catch(() => undefined)
    }
  }

  /** Reads the less the fewer there are to tell: of most the members say enough, and only for the others the messages are read. */
  async function decided(watch: Watch, at: number) {
    const { conversationId, fromSeq, toSeq } = watch
    const { members = [], headSeq = 0 } = (await chat.standing({ conversationId, fromSeq: toSeq + 1, toSeq })) ?? {}
    const so = new Date(at)
    const away = members.filter(
      (member) => !reasonForAll({ member, preferences: PREFERRED, devices: 1, at: so }, toSeq),
    )
    const theirs = await settingsOf(away.map(({ userId }) => userId))
    const reasons = Map.groupBy(members, (member) => reasonForAll({ member, ...theirs(member.userId), at: so }, toSeq))
    // What is only not pushed may be mailed.
    const mailed = away.flatMap(({ userId }) => (theirs(userId).preferences.digest ? userId : []))
    const userIds = (reasons.get(undefined) ?? []).map(({ userId }) => userId)
    reasons.delete(undefined)
    const all: Answer[] = [...reasons].map(([answer, those]) => ({
      ...{ fromSeq, toSeq, answer: answer! },
      userIds: those.map(({ userId }) => userId),
    }))
    const round = { conversationId, fromSeq, toSeq, at }
    if (userIds.length === 0) return { round: { ...round, answers: all }, pushes: [], headSeq, away: mailed }
    const told = await tellingOf(chat, watch, userIds)
    const verdicts = told.members.map((member): Verdict => {
      const { userId } = member
      const { preferences, own } = theirs(userId)
      const situation = { userId, kind: told.kind, member, preferences, devices: own.length, at: so }
      return { userId, devices: own, decisions: told.messages.map((message) => decide({ ...situation, message })) }
    })
    const answers = [...all, ...answersOf(told.messages, verdicts, fromSeq)]
    return { round: { ...round, answers }, pushes: pushesOf(told, verdicts, watch, at), headSeq, away: mailed }
  }

  /** What may be left to do of a round by whoever decided it and died. Those who are away were noted before it was kept. */
  async function leftOf(watch: Watch, round: Round) {
    const { conversationId, toSeq } = watch
    const userIds = [...new Set(round.answers.flatMap(({ answer, userIds }) => (isCause(answer) ? userIds : [])))]
    if (userIds.length === 0) {
      const standing = await chat.standing({ conversationId, fromSeq: toSeq + 1, toSeq })
      return { round, pushes: [], headSeq: standing?.headSeq ?? 0, away: [] }
    }
    const [told, theirs] = [await tellingOf(chat, watch, userIds), await settingsOf(userIds)]
    const verdicts = told.members.map(
      ({ userId }): Verdict => ({
        userId,
        devices: theirs(userId).own,
        decisions: told.messages.map(({ seq }) => decisionOf(answerFor(round.answers, userId, seq) ?? 'not.member')),
      }),
    )
    // As late as that it is looked at again, when it is sent, whether it is still so.
    const pushes = pushesOf(told, verdicts, watch, round.at, round.at + FRESH_MS + 1)
    return { round, pushes, headSeq: told.headSeq, away: [] }
  }

  /** What each of these users has set, and their devices. */
  async function settingsOf(userIds: readonly string[]) {
    const [preferences, devices] =
      userIds.length === 0
        ? [new Map<string, Preferences>(), []]
        : await Promise.all([store.preferences.find(userIds), store.devices.ofUsers(userIds)])
    const byUser = Map.groupBy(devices, ({ userId }) => userId)
    return (userId: string) => {
      const own = byUser.get(userId) ?? []
      return { preferences: preferences.get(userId) ?? PREFERRED, own, devices: own.length }
    }
  }

  const subscription = await bus.subscribe('notification.messages', ({ data }) => hear(data.conversations.map(newsOf)))
  const running = run()

  return {
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]()
      closing.abort()
      wake()
      await running
      await noting
    },
  }
}

/** A chat node of an older release does not say where it begins: there some may be counted again, and none is left out. */
const newsOf = ({ conversationId, seq, fromSeq = Math.max(1, seq - LOOK_BACK) }: News): Required<News> => ({
  ...{ conversationId, seq, fromSeq },
})

const NOT_WAITING = { until: 0, fromSeq: 0 }

/** What both tell of one conversation. */
function together(one: News, other: News | undefined): News {
  if (!other) return one
  const { conversationId, fromSeq = 1 } = one
  return { conversationId, fromSeq: Math.min(fromSeq, other.fromSeq ?? 1), seq: Math.max(one.seq, other.seq) }
}
