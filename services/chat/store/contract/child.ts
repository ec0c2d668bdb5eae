import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ChatStore } from '../store.ts'
import { asMessage, say, until, wholeLog } from './world.ts'

export interface Sending {
  /** How the child opens the store. */
  module: string
  factory: string
  address: string
  room: { id: string; membersRev: number }
  sender: string
  /** Acknowledgements after which it is killed with SIGKILL; not given: it ends by itself, or by a crash point. */
  killAfter?: number
  /** Beside this process's own environment. */
  env?: Record<string, string>
  /** Limits the size of files, in blocks of 512 bytes (`ulimit -f`). */
  fileBlocks?: number
}

/** What a child process was told before it was gone. */
export interface Sent {
  acked: { id: string; seq: number }[]
  /** For each call that was refused: the fault's code and message, and whether the store called itself healthy. */
  refused: { code: string; healthy: boolean; message: string }[]
  signal: NodeJS.Signals | null
}

/** Starts `sender.ts`, which sends, marks and relays as fast as it can, and waits until it is gone. */
export async function sendFromChild(sending: Sending): Promise<Sent> {
  const { module, factory, address, room, sender, killAfter, env, fileBlocks } = sending
  const script = fileURLToPath(new URL('sender.ts', import.meta.url))
  const command = [process.execPath, script, module, factory, address, room.id, String(room.membersRev), sender]
  const limited = fileBlocks ? ['sh', '-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'sh', ...command] : command
  const child = spawn(limited[0]!, limited.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const exit = once(child, 'exit')
  const sent: Sent = { acked: [], refused: [], signal: null }
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, id, value, ...rest] = line.split(' ') as [string, string, string]
    if (word === 'acked') sent.acked.push({ id, seq: Number(value) })
    else sent.refused.push({ code: id, healthy: value === 'true', message: rest.join(' ') })
    if (sent.acked.length === killAfter) child.kill('SIGKILL')
  }
  const [, signal] = (await exit) as [number | null, NodeJS.Signals | null]
  return { ...sent, signal }
}

/** Everything acknowledged is there, once and in its place; marks are true; what is pending can be relayed; and life goes on. */
export async function assertKept(
  store: ChatStore,
  room: { id: string; membersRev: number },
  sender: string,
  acked: Sent['acked'],
): Promise<void> {
  const log = await wholeLog(store, room.id)
  for (const { id, seq } of acked) {
    const found = await store.log.findEntry(room.id, id)
    assert.equal(found && asMessage(found.entry).seq, seq, `${id} was acknowledged`)
  }
  assert.equal(new Set(log.map((entry) => entry.id)).size, log.length, 'nothing is doubled')
  for (const mark of await store.marks.read(room.id)) assert.ok(mark.deliveredSeq <= log.at(-1)!.headSeq)

  const [next] = await say(store, room, sender, 'still there')
  assert.equal(next?.rev, log.length + 1)
  await until(async () => {
    const pending = [...(await store.log.pending(100)), ...(await store.log.pending(100, 20))]
    await store.log.relayed(pending)
    return pending.length === 0 || pending.some((entry) => entry.id === next.id)
  })
  const { rows } = await store.inbox.page(sender, 0, 10)
  assert.deepEqual(
    rows.map((row) => row.conversationId),
    [room.id],
  )
}
