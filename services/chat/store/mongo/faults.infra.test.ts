import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { infra } from '@parley/infra/infra'
import { mongodb } from '@parley/infra/mongodb'
import { Fault } from '@parley/kit/fault'
import { MongoClient } from 'mongodb'
import { asMessage, message, newGroup, newId, people, wholeLog } from '../contract/world.ts'
import { mongoStore } from '../mongo.ts'
import type { ChatStore, Draft } from '../store.ts'

test('when the database server is killed again and again, nothing acknowledged is lost or doubled', {
  timeout: 180_000,
}, async (t) => {
  const server = await ownServer(t)
  const address = addressOf(server.url)
  await using one = await mongoStore(address)
  await using two = await mongoStore(address)
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(one, [ann, bob])
  const flow = startFlow(t, [one, two], room, [ann, bob])
  for (let crash = 1; crash <= 3; crash++) {
    const before = flow.acked.size
    await within(30_000, async () => flow.acked.size > before + 50)
    await server.kill()
    await server.start()
  }
  const before = flow.acked.size
  await within(30_000, async () => flow.acked.size > before + 50)
  await flow.stop()
  await assertKept(one, room.id, flow)
  assert.ok(one.healthy)
})

test('when the database server hangs, sends end in time, and what it does late is done once', {
  timeout: 180_000,
}, async (t) => {
  const server = await ownServer(t)
  const address = addressOf(server.url)
  await using store = await mongoStore(address)
  const [ann, bob] = people(2) as [string, string]
  const room = await newGroup(store, [ann, bob])
  const quiet = await newGroup(store, [ann])
  const flow = startFlow(t, [store, store], room, [ann, bob])
  await within(30_000, async () => flow.acked.size > 50)
  server.freeze()
  t.after(() => server.resume())
  const acked = flow.acked.size
  const began = performance.now()
  const first = store.log.append(message(quiet, ann, 'first'))
  const mark = store.marks.raise({ conversationId: quiet.id, userId: ann, readSeq: 1 })
  const elsewhere = Array.from({ length: 500 }, () =>
    store.log.append(message({ id: newId(), membersRev: 1 }, ann, 'hello?')),
  )
  const refused = Promise.allSettled([first, mark, ...elsewhere])
  await within(30_000, async () => !store.healthy)
  const second = store.log.append(message(quiet, ann, 'second, while the first is under way'))
  const overtaken = assert.rejects(second, { code: 'unavailable' }, 'nothing overtakes what was refused')
  for (const reply of await refused) assert.equal(reply.status === 'rejected' && reply.reason.code, 'unavailable')
  assert.ok(performance.now() - began < 20_000, 'callers were told in time')
  assert.ok(flow.acked.size <= acked + 32, 'nothing is acknowledged by a server that hangs')
  server.resume()
  await within(30_000, async () => flow.acked.size > acked + 100)
  await flow.stop()
  await assertKept(store, room.id, flow)
  await overtaken
  await within(30_000, async () => store.healthy)
})

test('a database without the unique indexes it needs is refused', { timeout: 60_000 }, async () => {
  const address = await infra.mongodb()
  await using client = new MongoClient(address)
  const log = client.db().collection('log')
  await (await mongoStore(address))[Symbol.asyncDispose]()
  await log.dropIndex('conversation_id')
  await log.insertMany([1, 2].map((rev) => ({ conversationId: 'c', rev, id: 'twice', kind: 'message' })))
  await assert.rejects(mongoStore(address), /log lacks an index it must have/)
  await log.deleteOne({ conversationId: 'c', rev: 2 })
  await (await mongoStore(address))[Symbol.asyncDispose]()
  await log.dropIndex('conversation_rev')
  await log.createIndex({ conversationId: 1, rev: 1 }, { name: 'conversation_rev' })
  await assert.rejects(mongoStore(address), /log.* lacks an index it must have/)
})

test('a server that cannot be reached is an error at once, not a store', { timeout: 20_000 }, async () => {
  await assert.rejects(mongoStore('mongodb://127.0.0.1:9/none?directConnection=true'))
})

type Server = Awaited<ReturnType<typeof mongodb>>

/** A server that may be killed: nobody else uses it. */
async function ownServer(t: TestContext): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-mongo-'))
  const server = await mongodb(join(folder, 'data'), (line) => t.diagnostic(line))
  t.after(async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  await server.start()
  return server
}

function addressOf(url: string): string {
  const address = new URL(url)
  address.pathname = '/parley_faults'
  return address.href
}

/** Two people who go on sending, eight messages at a time each, and repeat what was refused until it is acknowledged. */
function startFlow(t: TestContext, stores: ChatStore[], room: { id: string; membersRev: number }, senders: string[]) {
  const acked = new Map<string, { draft: Draft; seq: number; createdAt: string }>()
  const stopped = new AbortController()
  let refusals = 0
  let abandoned = false
  t.after(() => {
    abandoned = true
    stopped.abort()
  })
  async function sendOn(store: ChatStore, sender: string): Promise<void> {
    while (!stopped.signal.aborted) await send(store, message(room, sender, `message ${acked.size}`, newId()))
  }
  async function send(store: ChatStore, draft: Draft): Promise<void> {
    while (!abandoned) {
      try {
        const reply = await store.log.append(draft)
        assert.ok('entry' in reply)
        const { seq, createdAt } = asMessage(reply.entry)
        acked.set(draft.id, { draft, seq, createdAt })
        return
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'unavailable') throw error
        refusals++
        await after(20)
      }
    }
  }
  const running = Promise.all(
    stores.flatMap((store, n) => Array.from({ length: 8 }, () => sendOn(store, senders[n % senders.length]!))),
  )
  return {
    acked,
    refusals: () => refusals,
    async stop(): Promise<void> {
      stopped.abort()
      await running
    },
  }
}

/** The log is dense, holds all that was acknowledged in its place and nothing that was never sent; a repeat is the first reply. */
async function assertKept(store: ChatStore, roomId: string, flow: ReturnType<typeof startFlow>): Promise<void> {
  const log = await wholeLog(store, roomId)
  assert.equal(log.length, 1 + flow.acked.size)
  for (const entry of log.slice(1)) {
    const { seq, createdAt } = asMessage(entry)
    const reply = flow.acked.get(entry.id)
    assert.deepEqual({ seq, createdAt }, { seq: reply?.seq, createdAt: reply?.createdAt })
  }
  for (const { draft } of [...flow.acked.values()].slice(-20)) {
    assert.equal((await store.log.append(draft)).outcome, 'repeated')
  }
}

async function within(ms: number, ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await ask())) {
    assert.ok(Date.now() < deadline, `still not: ${ask}`)
    await after(10)
  }
}
