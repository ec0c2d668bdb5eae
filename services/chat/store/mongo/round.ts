import { setTimeout as after } from 'node:timers/promises'
import { crashPoint } from '@parley/kit/crash'
import { Fault } from '@parley/kit/fault'
import type { Log } from '@parley/kit/log'
import type { Entry } from '@parley/protocol/conversation'
import { changesMessage } from '@parley/protocol/message-change'
import { MongoError } from 'mongodb'
import { createdAfter } from '../created-at.ts'
import type { Draft } from '../store.ts'
import type { Amend } from './amendments.ts'
import type { Collections, LogDocument } from './collections.ts'
import { BOUNDED, isDuplicate, unavailable } from './connection.ts'
import { type Head, headAfter } from './conversations.ts'
import { documentOf, entryAfter, entryOf, findByIds } from './entries.ts'
import type { Heads } from './heads.ts'
import type { CommitRound, Waiting } from './rounds.ts'

/** Whoever has waited this long, for a round to begin or to end, is refused and sends again. */
const GIVE_UP_MS = 10_000
const PAUSE_MS = { first: 4, longest: 500 }

/** What a round needs of the rest of the store. */
export interface RoundParts {
  log: Collections['log']
  heads: Heads
  /** An entry of ours was committed: the relay may have it. */
  committed(entries: readonly Entry[]): void
  /** Makes committed changes visible: the conversation's document and the inboxes of those they touch. */
  show(entries: readonly Entry[], head: Head): Promise<void>
  /** Makes committed changes of messages visible. Their inboxes are the relay's work, as those of messages are. */
  amend: Amend
  /** Hears why a round was given up. */
  logger: Log | undefined
}

/**
 * One round. The entries are numbered on from the head and inserted in order: the unique index on (conversation, rev) lets
 * that happen on exactly this head or not at all, and the one on (conversation, id) once. After any error nothing is assumed:
 * the head is dropped, the ids are looked up with a majority read, those found are answered and the rest is numbered anew.
 * Which index refused is never asked; a time-out and a lost race are treated alike.
 */
export function roundOf(parts: RoundParts): CommitRound {
  return async (conversationId, round) => {
    crashPoint('append.before-begin')
    const open = new Set(round)
    const deadline = Math.min(...round.map((item) => item.since)) + GIVE_UP_MS
    for (let attempt = 0; ; attempt++) {
      try {
        if (performance.now() > deadline) throw unavailable()
        if (attempt > 0) await answerFound(parts, conversationId, open)
        const head = await answerMisplaced(parts, conversationId, open)
        await insert(parts, head, open)
        return true
      } catch (error) {
        if (isDuplicate(error)) parts.heads.drop(conversationId)
        else parts.heads.clear()
        if (performance.now() > deadline || !isPassing(error)) {
          parts.logger?.error({ err: error, conversationId, attempt }, 'a round of appends was given up')
          for (const item of open) item.reject(isPassing(error) ? unavailable(error) : error)
          return false
        }
        await after(Math.random() * Math.min(PAUSE_MS.longest, PAUSE_MS.first * 2 ** attempt))
      }
    }
  }
}

/** The database refused or did not answer, as opposed to a defect of ours. */
function isPassing(error: unknown): boolean {
  return error instanceof MongoError || error instanceof Fault
}

/** Answers those whose id is in the log, as the majority has it, and takes them out of `open`. */
async function answerFound(parts: RoundParts, conversationId: string, open: Set<Waiting>): Promise<void> {
  if (open.size === 0) return
  const ids = [...open].map(({ draft }) => draft.id)
  const found = await findByIds(parts.log, conversationId, ids)
  for (const item of open) {
    const document = found.get(item.draft.id)
    if (!document) continue
    await answer(parts, item, document)
    open.delete(item)
  }
}

async function answer(parts: RoundParts, { draft, sentAs, resolve }: Waiting, document: LogDocument): Promise<void> {
  const known = document.contentHash === '' || document.contentHash === draft.contentHash
  if (document.senderId !== draft.senderId || document.kind !== draft.kind || !known) {
    resolve({ outcome: 'conflict' })
    return
  }
  const ours = sentAs.has(document._id.toHexString())
  const entry = entryOf(document)
  // Once relayed, it has been shown and published. Before that its appender may have died in between.
  if (document.outbox) {
    if (ours) parts.committed([entry])
    const head = await parts.heads.knownWhen(entry.conversationId, (known) => known.conversation.rev >= entry.rev)
    if (entry.kind !== 'message' && head) await parts.show([entry], head)
  }
  resolve({ outcome: ours ? 'appended' : 'repeated', entry })
}

/**
 * Answers those that cannot follow the head: authorized on another membership, created twice, or in a conversation that is
 * not there; unless their id is in the log after all. Gives the head that all others follow.
 */
async function answerMisplaced(
  parts: RoundParts,
  conversationId: string,
  open: Set<Waiting>,
): Promise<Head | undefined> {
  const cached = await parts.heads.known(conversationId)
  if ([...open].every(({ draft }) => follows(cached, draft))) return cached
  const head = await parts.heads.load(conversationId)
  const misplaced = new Set([...open].filter(({ draft }) => !follows(head, draft)))
  for (const item of misplaced) open.delete(item)
  try {
    await answerFound(parts, conversationId, misplaced)
  } catch (error) {
    for (const item of misplaced) open.add(item)
    throw error
  }
  for (const { draft, resolve } of misplaced) resolve({ outcome: draft.kind === 'created' ? 'conflict' : 'stale' })
  return head
}

function follows(head: Head | undefined, draft: Draft): boolean {
  if (draft.kind === 'created') return head === undefined
  return head?.conversation.membersRev === draft.membersRev
}

/** Numbers them on from `head` and commits them, all or the first few. */
async function insert(parts: RoundParts, before: Head | undefined, open: Set<Waiting>): Promise<void> {
  if (open.size === 0) return
  crashPoint('append.after-begin')
  const createdAt = new Date(createdAfter(before ? Date.parse(before.lastAt) : 0))
  let head = before
  const planned = [...open].map((item) => {
    const entry = entryAfter(head?.conversation, item.draft, createdAt)
    const document = documentOf(entry, item.draft.contentHash)
    item.sentAs.add(document._id.toHexString())
    head = headAfter(head, entry)
    return { item, entry, document, head }
  })
  crashPoint('append.before-commit')
  await parts.log.insertMany(
    planned.map(({ document }) => document),
    { ordered: true, ...BOUNDED },
  )
  crashPoint('append.after-commit')
  if (head) parts.heads.keep(head)
  parts.committed(planned.map(({ entry }) => entry))
  for (const { item, entry, head } of planned) {
    if (changesMessage(entry)) await parts.amend(entry.conversationId)
    else if (entry.kind !== 'message') await parts.show([entry], head)
    item.resolve({ outcome: 'appended', entry })
    open.delete(item)
  }
}
