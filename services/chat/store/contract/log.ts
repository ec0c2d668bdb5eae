import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Fault } from '@parley/kit/fault'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore } from '../store.ts'
import { assertKept, sendFromChild } from './child.ts'
import {
  appended,
  asMessage,
  group,
  hashOf,
  membership,
  message,
  newGroup,
  newId,
  people,
  persist,
  say,
  wholeLog,
} from './world.ts'

/** P1 durable, P2 idempotent, P3 ordered. */
export function logContract(name: string, open: OpenStore): void {
  test(`${name}: texts of any length and script that arrive together are kept as they are`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const rooms = [await newGroup(store, [ann]), await newGroup(store, [ann])]
    const texts = ['a', 'größer', '', '👩‍👩‍👧 at the end 👍', 'один', 'x'.repeat(9_000), '漢字', '0']
    await Promise.all(rooms.map((room) => say(store, room, ann, ...texts)))
    for (const room of rooms) {
      const kept = await store.log.readMessages(room.id, 1, texts.length)
      assert.deepEqual(
        kept.map(({ text }) => text),
        texts,
      )
    }
  })

  test(`${name}: what was acknowledged is there after a restart`, async (t) => {
    const opened = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(opened.store, [ann, bob])
    const sent = await say(opened.store, room, ann, 'one', 'two', 'drei 三 🐟', 'x'.repeat(40_000))
    const epoch = opened.store.epoch
    const store = await opened.reopen()
    assert.deepEqual(await store.log.readMessages(room.id, 1, 10), sent)
    assert.equal(store.epoch, epoch, 'a restart is not another life of the data')
    const after = await say(store, room, bob, 'five')
    assert.equal(after[0]?.seq, 5)
  })

  test(`${name}: what was acknowledged is there after the process was killed`, { timeout: 60_000 }, async (t) => {
    const opened = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(opened.store, [ann])
    const { acked, signal } = await sendFromChild({ ...opened.child, room, sender: ann, killAfter: 60 })
    assert.equal(signal, 'SIGKILL')
    assert.ok(acked.length >= 60)
    await assertKept(await opened.reopen(), room, ann, acked)
  })

  test(`${name}: a message carries its place, its sender, its text and the server's time`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const before = Date.now()
    const id = newId()
    const entry = asMessage(appended(await store.log.append(message(room, bob, 'hello', id))))
    const { createdAt, ...rest } = entry
    assert.deepEqual(rest, {
      kind: 'message',
      conversationId: room.id,
      id,
      senderId: bob,
      text: 'hello',
      rev: 2,
      seq: 1,
      headSeq: 1,
      membersRev: 1,
    })
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(Math.abs(Date.parse(createdAt) - before) < 60_000)
    assert.deepEqual(await store.log.findEntry(room.id, id), { entry, contentHash: hashOf('hello') })
    assert.equal(await store.log.findEntry(room.id, newId()), undefined)
    assert.equal(await store.log.findEntry(newId(), id), undefined)
  })

  test(`${name}: a send that is repeated gets the first reply, however often and whenever`, async (t) => {
    const opened = await open(t)
    let { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const draft = message(room, ann, 'once')
    const other = (await opened.another?.()) ?? store
    const atOnce = await Promise.all([store, other, store, other, store].map((s) => persist(s, draft)))
    const first = appended(atOnce.find((reply) => reply.outcome === 'appended')!)
    assert.equal(atOnce.filter((reply) => reply.outcome === 'appended').length, 1)
    for (const reply of atOnce) assert.deepEqual('entry' in reply && reply.entry, first)

    await say(store, room, bob, 'between')
    assert.deepEqual(await store.log.append(draft), { outcome: 'repeated', entry: first })
    assert.deepEqual(await other.log.append(draft), { outcome: 'repeated', entry: first })
    store = await opened.reopen()
    assert.deepEqual(await store.log.append(draft), { outcome: 'repeated', entry: first })
    assert.equal((await wholeLog(store, room.id)).length, 3)
  })

  test(`${name}: a repeat is the first reply even after its sender was removed`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const draft = message(room, bob, 'before I go')
    const first = appended(await store.log.append(draft))
    appended(await store.log.append(membership('members.removed', room, ann, [bob])))
    assert.deepEqual(await store.log.append(message(room, bob, 'too late')), { outcome: 'stale' })
    assert.deepEqual(await store.log.append(draft), { outcome: 'repeated', entry: first })
  })

  test(`${name}: an id with another content or another sender is a conflict and writes nothing`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const id = newId()
    const first = appended(await store.log.append(message(room, ann, 'mine', id)))
    const other = (await opened.another?.()) ?? store
    for (const s of [store, other]) {
      assert.deepEqual(await s.log.append(message(room, ann, 'changed', id)), { outcome: 'conflict' })
      assert.deepEqual(await s.log.append(message(room, bob, 'mine', id)), { outcome: 'conflict' })
      assert.deepEqual(await s.log.append(message(room, ann, 'A group', room.id)), { outcome: 'conflict' })
    }
    assert.deepEqual((await wholeLog(store, room.id)).slice(1), [first])
    const elsewhere = await newGroup(store, [ann, bob])
    appended(await store.log.append(message(elsewhere, bob, 'another conversation, another id', id)))
  })

  test(`${name}: of two contents sent at once under one id, one is stored`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    for (let round = 0; round < 10; round++) {
      const id = newId()
      const replies = await Promise.all([
        persist(store, message(room, ann, 'this', id)),
        persist(other, message(room, ann, 'that', id)),
      ])
      assert.deepEqual(replies.map((reply) => reply.outcome).sort(), ['appended', 'conflict'])
    }
    assert.equal((await wholeLog(store, room.id)).length, 11)
  })

  test(`${name}: many writers leave no hole, no double, and keep each caller's order`, {
    timeout: 60_000,
  }, async (t) => {
    const opened = await open(t)
    const writers = [opened.store]
    if (opened.another) writers.push(await opened.another(), await opened.another())
    const senders = people(6)
    const rooms = [await newGroup(opened.store, senders), await newGroup(opened.store, senders)]
    const done = new AbortController()
    const readers = Promise.all(rooms.map((room) => watchGrow(writers.at(-1)!, room.id, done.signal)))

    const each = 25
    await Promise.all(
      rooms.flatMap((room) =>
        senders.map(async (sender, n) => {
          const store = writers[n % writers.length]!
          const calls = Array.from({ length: each }, (_, k) => persist(store, message(room, sender, `${k}`)))
          const seqs = (await Promise.all(calls)).map((reply) => asMessage(appended(reply)).seq)
          assert.deepEqual(
            seqs,
            seqs.toSorted((a, b) => a - b),
            'in the order of the calls',
          )
        }),
      ),
    )
    done.abort()
    await readers
    for (const room of rooms) {
      const log = await wholeLog(opened.store, room.id)
      assert.equal(log.length, 1 + senders.length * each)
      for (const sender of senders) {
        const said = log.flatMap((e) => (e.kind === 'message' && e.senderId === sender ? [Number(e.text)] : []))
        assert.deepEqual(
          said,
          Array.from({ length: each }, (_, k) => k),
        )
      }
    }
  })

  test(`${name}: a message acknowledged before another was sent comes before it`, async (t) => {
    const opened = await open(t)
    const writers = [opened.store, (await opened.another?.()) ?? opened.store]
    const [ann] = people(1) as [string]
    const room = await newGroup(opened.store, [ann])
    for (let n = 1; n <= 20; n++) {
      const [entry] = await say(writers[n % 2]!, room, ann, `${n}`)
      assert.equal(entry?.seq, n)
    }
  })

  test(`${name}: above its queue a store refuses at once, and what it refused can be sent again`, async (t) => {
    const { store } = await open(t, { appendQueue: 20 })
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const drafts = Array.from({ length: 300 }, (_, n) => message(room, ann, `${n}`))
    const replies = await Promise.allSettled(drafts.map((draft) => store.log.append(draft)))
    const refused = replies.filter((reply) => reply.status === 'rejected')
    assert.ok(refused.length > 0 && refused.length < 300)
    for (const { reason } of refused) assert.ok(reason instanceof Fault && reason.code === 'unavailable')
    for (const draft of drafts) assert.match((await persist(store, draft)).outcome, /appended|repeated/)
    assert.equal((await wholeLog(store, room.id)).length, 301)
  })

  test(`${name}: a store that was closed refuses instead of hanging`, async (t) => {
    const opened = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(opened.store, [ann])
    const draft = message(room, ann, 'in the doorway')
    const during = opened.store.log.append(draft).catch((error: unknown) => error)
    await opened.reopen()
    const reply = await during
    assert.ok(reply instanceof Fault ? reply.code === 'unavailable' : 'outcome' in (reply as object))
    await assert.rejects(opened.store.log.append(draft), { code: 'unavailable' })
  })

  test(`${name}: news of a commit comes without asking`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const heard = new Promise<void>((resolve) => store.log.onCommit(resolve))
    await say(store, room, ann, 'knock')
    await heard
    let calls = 0
    const silenced = store.log.onCommit(() => calls++)
    silenced[Symbol.dispose]()
    await say(store, room, ann, 'knock')
    assert.equal(calls, 0)
  })

  test(`${name}: a group is created once, whoever repeats it`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const [ann, bob] = people(2) as [string, string]
    const draft = group([ann, bob], 'Fishing')
    const replies = await Promise.all([persist(store, draft), persist(other, draft), persist(store, draft)])
    assert.deepEqual(replies.map((reply) => reply.outcome).sort(), ['appended', 'repeated', 'repeated'])
    assert.equal(new Set(replies.map((reply) => JSON.stringify('entry' in reply && reply.entry))).size, 1)
    assert.deepEqual(await store.log.append(group([ann, bob], 'Hunting', draft.id)), { outcome: 'conflict' })
    assert.deepEqual(await store.log.append({ ...draft, id: newId() }), { outcome: 'conflict' })
    assert.equal((await wholeLog(store, draft.id)).length, 1)
    assert.equal((await other.log.findConversation(draft.id))?.title, 'Fishing')
  })
}

/** Reads the log again and again while it grows: never is an entry readable before the one in front of it. */
async function watchGrow(store: ChatStore, conversationId: string, done: AbortSignal): Promise<void> {
  let seen = 0
  while (!done.aborted) {
    const head = await store.log.findConversation(conversationId)
    assert.ok(head && head.rev >= seen, 'the head never goes back')
    const log = await wholeLog(store, conversationId)
    assert.ok(log.length >= head.rev, 'all below the head is readable')
    seen = head.rev
    await setImmediate()
  }
}
