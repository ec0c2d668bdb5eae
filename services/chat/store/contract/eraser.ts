import type { ChatStore, Draft } from '../store.ts'
import { message } from './world.ts'

/** A process that sends messages which disappear at once, then erases them; a crash point may end it in the middle. */
const [module, factory, address, id, membersRev, sender, count] = process.argv.slice(2) as string[]
const opened: Record<string, (address: string) => Promise<ChatStore>> = await import(module!)
const store = await opened[factory!]!(address!)
const room = { id: id!, membersRev: Number(membersRev) }
for (let n = 1; n <= Number(count); n++) {
  const draft = { ...message(room, sender!, `gone ${n}`), extras: { lifetimeMs: 1 } } as Draft
  await store.log.append(draft)
}
while ((await store.log.eraseExpired(2)) > 0);
await store[Symbol.asyncDispose]()
