import { setTimeout as after } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import { mongoStore } from '../mongo.ts'
import type { Appended, ChatStore, Draft } from '../store.ts'

/** What another process is to do in one conversation. */
export interface Part {
  address: string
  conversationId: string
  acts: Act[]
  /** Acts under way at once. */
  atOnce: number
  /** Stops itself (SIGSTOP) when it is about to update each of these collections for the first time. */
  freezeAt?: string[]
}

/** A draft without the membership on which it is to be authorized: that is looked up, as the rules do. */
export type Act = { id: string; senderId: string; contentHash: string } & (
  | { kind: 'message'; text: string }
  | { kind: 'members.added' | 'members.removed'; userIds: string[] }
)

/** How it ended; `refused` when the sender was no member. */
export interface Outcome {
  id: string
  outcome: Appended['outcome'] | 'refused'
  rev?: number
  membersRev?: number
}

if (process.argv[1] === import.meta.filename) await play(JSON.parse(process.argv[2] ?? '') as Part)

/** Does its part once it is told to, and prints one line of JSON per act. */
async function play(part: Part): Promise<void> {
  const armed = new Set(part.freezeAt)
  await using store = await mongoStore(part.address, {
    onCommand(name, command) {
      if (name === 'update' && armed.delete(command.update)) process.kill(process.pid, 'SIGSTOP')
    },
  })
  process.stdout.write('ready\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.unref()
  const acts = part.acts.values()
  await Promise.all(Array.from({ length: part.atOnce }, () => workThrough(store, part.conversationId, acts)))
}

async function workThrough(
  store: ChatStore,
  conversationId: string,
  acts: Iterator<Act> & Iterable<Act>,
): Promise<void> {
  for (const act of acts) {
    const outcome = await perform(store, conversationId, act)
    process.stdout.write(`${JSON.stringify(outcome satisfies Outcome)}\n`)
  }
}

/** Authorizes and appends until the outcome is known, as the rules and a patient device do together. */
async function perform(store: ChatStore, conversationId: string, act: Act): Promise<Outcome> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const now = await store.log.findConversation(conversationId)
      if (!now?.members.has(act.senderId)) {
        const found = await store.log.findEntry(conversationId, act.id)
        if (!found) return { id: act.id, outcome: 'refused' }
      }
      const draft: Draft = { ...act, conversationId, membersRev: now?.membersRev ?? 0 }
      const reply = await store.log.append(draft)
      if (reply.outcome === 'stale') continue
      if (reply.outcome === 'conflict') return { id: act.id, outcome: 'conflict' }
      const { rev, membersRev } = reply.entry
      return { id: act.id, outcome: reply.outcome, rev, membersRev }
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'unavailable') throw error
      await after(50)
    }
  }
  throw new Error(`${act.id} had no outcome`)
}
