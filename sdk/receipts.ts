import { delay, fullJitter } from './backoff.ts'
import type { Link } from './connection.ts'
import type { Device } from './device.ts'
import { asParleyError } from './error.ts'
import { undelivered } from './held.ts'
import type { Keeper } from './keeper.ts'
import { userPrefix } from './session.ts'
import type { DeviceStorage } from './types.ts'

/** Tells the server what this device stored and what its user read, at most four times a second, until it is acknowledged. */
export interface Receipts {
  load(): Promise<void>
  /** A conversation's messages up to `seq` are durable here: said only then (I13). */
  stored(conversationId: string, seq: number): void
  /** Read up to `seq`; kept durably until the server has it. */
  markRead(conversationId: string, seq: number): void
  /** A new link: say again what was not acknowledged. */
  up(link: Link): void
  dropped(conversationId: string): void
  readonly idle: boolean
  stop(): void
}

const EVERY_MS = 250
/** A node takes so many other events of a device a second; this leaves room for them. */
const AT_ONCE = 10

export function openReceipts({
  device,
  storage,
  keeper,
  leads,
  stir,
}: {
  device: Device
  storage: DeviceStorage
  keeper: Keeper
  leads: () => boolean
  stir(): void
}): Receipts {
  const prefix = `${userPrefix(device.me.id)}read/`
  const read = new Map<string, number>()
  /** How far each conversation is durable here, where the server may not know it. */
  const delivered = new Map<string, number>()
  const over = new AbortController()
  let link: Link | undefined
  let running = false

  async function run(): Promise<void> {
    running = true
    for (let failures = 0; link && !link.gone.aborted && !over.signal.aborted; ) {
      const current = link
      const todo = [...read.keys()].map((id) => () => tellRead(current, id))
      todo.push(...[...delivered.keys()].filter((id) => !read.has(id)).map((id) => () => tellDelivered(current, id)))
      if (todo.length === 0) break
      const done = await Promise.all(todo.slice(0, AT_ONCE).map((tell) => tell()))
      failures = done.every(Boolean) ? 0 : failures + 1
      stir()
      await delay(EVERY_MS + fullJitter(failures, { base: 250, cap: 5_000 }) * Math.min(failures, 1), over.signal)
    }
    running = false
    stir()
  }

  function start(): void {
    if (!running) void run()
  }

  const due = (id: string, seq: number): unknown => delivered.set(id, Math.max(seq, delivered.get(id) ?? 0))

  async function tellDelivered(link: Link, id: string): Promise<boolean> {
    const held = device.conversations.get(id)?.held
    const upToSeq = delivered.get(id)!
    delivered.delete(id)
    if (!held || !undelivered(held) || upToSeq <= held.deliveredSeq) return true
    const failed = await tell(link, 'receipt.delivered', id, upToSeq)
    if (failed) due(id, upToSeq)
    return !failed
  }

  async function tellRead(link: Link, id: string): Promise<boolean> {
    const upToSeq = read.get(id)!
    const failed = await tell(link, 'receipt.read', id, upToSeq)
    if (failed) return false
    if (read.get(id) !== upToSeq) return true
    read.delete(id)
    void keeper.save([[prefix + id, undefined]])
    device.recount(id)
    return true
  }

  /** Whether to try again. A definite refusal (no longer a member) needs no mark. */
  async function tell(
    link: Link,
    event: 'receipt.delivered' | 'receipt.read',
    conversationId: string,
    upToSeq: number,
  ): Promise<boolean> {
    try {
      const reply = await link.call<{ deliveredSeq: number }>(event, { conversationId, upToSeq })
      device.wasTold(conversationId, reply.deliveredSeq)
      return false
    } catch (error) {
      return asParleyError(error).problem.retryable
    }
  }

  return {
    async load() {
      for (const [key, value] of await storage.list(prefix)) {
        const id = key.slice(prefix.length)
        const readSeq = Number(value)
        read.set(id, readSeq)
        device.takeMarks(id, { userId: device.me.id, deliveredSeq: readSeq, readSeq })
      }
      for (const [id, { held }] of device.conversations) if (leads() && undelivered(held)) due(id, held.headSeq)
    },
    stored(id, seq) {
      const held = device.conversations.get(id)?.held
      if (!leads() || !held || !undelivered(held)) return
      due(id, seq)
      start()
    },
    markRead(id, seq) {
      const held = device.conversations.get(id)?.held
      if (!held) return
      // Not above what is known to be there, or what comes later would count as read.
      const readSeq = Math.min(Math.floor(seq), Math.max(held.headSeq, held.counted.headSeq))
      if (!(readSeq > held.readSeq)) return
      read.set(id, readSeq)
      void keeper.save([[prefix + id, readSeq]])
      device.takeMarks(id, { userId: device.me.id, deliveredSeq: held.deliveredSeq, readSeq })
      start()
    },
    up(next) {
      link = next
      start()
    },
    dropped(id) {
      delivered.delete(id)
      if (read.delete(id)) void keeper.save([[prefix + id, undefined]])
    },
    get idle() {
      return read.size === 0 && delivered.size === 0
    },
    stop: () => over.abort(),
  }
}
