import { setImmediate } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import type { ChatStore } from '../store.ts'
import { message } from './world.ts'

/**
 * A process of its own that sends, sixteen at a time, raises marks and relays, and prints each reply, until it is killed or
 * sixty sends were refused (more than one round of them can be). Started by `child.ts`.
 */
const [module, factory, address, id, membersRev, sender] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const store: ChatStore = await (await import(module))[factory](address)
const room = { id, membersRev: Number(membersRev) }
let refused = 0

await Promise.all([relayOn(), ...Array.from({ length: 16 }, sendOn)])
process.exit(0)

async function sendOn(): Promise<void> {
  while (refused < 60) {
    const draft = message(room, sender, `from ${process.pid}`)
    await orRefused(async () => {
      const reply = await store.log.append(draft)
      if (reply.outcome !== 'appended') throw new Error(`a new message was ${reply.outcome}`)
      process.stdout.write(`acked ${draft.id} ${reply.entry.headSeq}\n`)
      void orRefused(async () => {
        await store.marks.raise({ conversationId: id, userId: sender, readSeq: reply.entry.headSeq })
      }, 0)
    })
  }
}

async function relayOn(): Promise<void> {
  while (refused < 60) {
    await orRefused(async () => store.log.relayed(await store.log.pending(20)))
    await setImmediate()
  }
}

/** A refusal is printed; anything but `unavailable` ends the process. */
async function orRefused(act: () => Promise<void>, counted = 1): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'unavailable') throw error
    refused += counted
    process.stdout.write(`refused ${error.code} ${store.healthy} ${error.message}\n`)
    await setImmediate()
  }
}
