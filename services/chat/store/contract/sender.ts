import { message, newId } from './world.ts'

/** A process of its own that sends, sixteen at a time, and prints each acknowledgement until it is killed. See `log.ts`. */
const [module, factory, address, id, membersRev, sender] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const store = await (await import(module))[factory](address)
const room = { id, membersRev: Number(membersRev) }

await Promise.all(Array.from({ length: 16 }, sendOn))

async function sendOn(): Promise<never> {
  for (;;) {
    const draft = message(room, sender, `from ${process.pid}`, newId())
    const reply = await store.log.append(draft)
    process.stdout.write(`${draft.id} ${reply.entry.seq}\n`)
  }
}
