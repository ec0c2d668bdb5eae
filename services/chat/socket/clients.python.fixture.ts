import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { need } from '@parley/infra/which'
import type { Told } from '../device.fixture.ts'
import type { StockClient } from './clients.fixture.ts'

const DEADLINE_MS = 5_000

/** python-socketio in a process of its own, after its `hello`. `ascii` asks it for JSON in ASCII only, which is all that its polling can send. */
export async function pythonClient(
  t: TestContext,
  url: string,
  token: string,
  options: { transports: readonly string[]; ascii: boolean },
): Promise<StockClient> {
  const script = join(import.meta.dirname, 'clients.python.py')
  // Debian's packages belong to Debian's Python, which need not be the first on PATH.
  const python = need('Python 3', '/usr/bin/python3', 'python3')
  const child = spawn(python, [script, JSON.stringify({ url, token, ...options })])
  t.after(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => undefined)
  let complaints = ''
  child.stderr.on('data', (data) => {
    complaints += data
  })

  const told: { event: string; data: Told }[] = []
  const arrivals = new EventEmitter().setMaxListeners(0)
  let asked = 0
  let acks = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { ack, reply, event, data } = JSON.parse(line)
    if (ack !== undefined) {
      acks++
      arrivals.emit(`ack ${ack}`, reply)
    } else {
      told.push({ event, data })
      arrivals.emit(event)
    }
  })

  async function arrival(name: string): Promise<Told> {
    try {
      return (await once(arrivals, name, { signal: AbortSignal.timeout(DEADLINE_MS) }))[0]
    } catch {
      throw new Error(`no ${name} within 5 s; ${complaints}`)
    }
  }

  async function next(event: string): Promise<Told> {
    for (;;) {
      const index = told.findIndex((one) => one.event === event)
      if (index >= 0) return told.splice(index, 1)[0]!.data
      await arrival(event)
    }
  }

  const say = (event: string, data?: unknown): boolean => child.stdin.write(`${JSON.stringify({ event, data })}\n`)

  await next('hello')
  return {
    next,
    told: () => told,
    ask(event, data) {
      // The library numbers its acks from 1.
      const reply = arrival(`ack ${++asked}`)
      say(event, data)
      return reply
    },
    acks: () => acks,
    transport() {
      say('transport')
      return next('transport')
    },
    async close() {
      const exit = once(child, 'exit', { signal: AbortSignal.timeout(DEADLINE_MS) })
      child.stdin.end()
      assert.equal(await next('disconnect'), 'disconnected')
      assert.deepEqual(await exit, [0, null])
      assert.equal(complaints, '')
    },
  }
}
