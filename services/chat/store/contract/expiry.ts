import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { MessageEntry } from '@parley/protocol/conversation'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore, Draft } from '../store.ts'
import { amendment, appended, asMessage, lasting, newGroup, people, persist, until, wholeLog } from './world.ts'

/** What disappears: no read tells of it from its moment on, and soon the store does not have it any more. */
export function expiryContract(name: string, open: OpenStore): void {
  test(`${name}: from its moment on a message reads as deleted, everywhere, and a repeat has the first reply`, async (t) => {
    const opened = await open(t)
    let { store } = opened
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob, cem])
    const draft = lasting(room, ann, 'a secret', 2_500, { mentions: [bob], replyTo: 1 })
    const sent = asMessage(appended(await store.log.append(draft)))
    assert.ok(sent.expiresAt)
    const edit = { ...amendment(room, ann, 1, { text: 'another secret' }), mentions: [cem] } as Draft
    appended(await store.log.append(edit))
    appended(await store.log.append(amendment(room, bob, 1, { emoji: '👍', on: true })))
    const [before] = await store.log.readMessages(room.id, 1, 1)
    assert.deepEqual(
      [before?.text, before?.expiresAt],
      ['another secret', sent.expiresAt],
      'an edit does not make it last',
    )
    assert.deepEqual(await store.log.countOthers(room.id, bob, 0, 1, 9), { count: 1, until: sent.expiresAt })
    await passed(sent)
    const gone = { ...place(sent), changedRev: 4, text: '', deleted: true, expiresAt: sent.expiresAt }
    for (const step of ['before it is erased', 'after it', 'after a restart']) {
      if (step === 'after it') {
        assert.equal(await store.log.eraseExpired(10), 1)
        assert.equal(await store.log.eraseExpired(10), 0, 'once')
      }
      if (step === 'after a restart') store = await opened.reopen()
      assert.deepEqual(await store.log.readMessages(room.id, 1, 9), [gone], step)
      assert.deepEqual(await store.log.pickMessages(room.id, [1]), [gone])
      assert.deepEqual((await wholeLog(store, room.id))[1], gone)
      assert.deepEqual((await store.log.findEntry(room.id, draft.id))?.entry, gone)
      assert.deepEqual(await store.log.readVersions(room.id, 1), [])
      assert.deepEqual(await store.log.countOthers(room.id, bob, 0, 1, 9), { count: 0 }, 'nobody has to read it')
      assert.deepEqual(await store.log.readMentions(room.id, cem, 1, 9, 9), [], 'it names nobody')
      assert.doesNotMatch(await allReads(store, room.id, ann, [draft.id]), /secret/)
    }
    assert.deepEqual(await store.log.readMentions(room.id, bob, 1, 9, 9), [])
    const repeated = await store.log.append(draft)
    assert.ok(repeated.outcome === 'repeated')
    assert.deepEqual(place(asMessage(repeated.entry)), place(sent))
    assert.equal((await store.log.append({ ...draft, senderId: bob })).outcome, 'conflict')
    appended(await store.log.append(amendment(room, ann, 1, { text: 'a late secret' })))
    appended(await store.log.append(amendment(room, ann, 1, 'deleted')))
    assert.doesNotMatch(await allReads(store, room.id, ann, [draft.id]), /secret/)
    if (opened.another) return
    await opened.reopen()
    const file = await readFile(opened.child.address)
    assert.ok(!file.includes('secret'), 'nothing of it is left in the file')
  })

  test(`${name}: whatever is sent, edited and deleted, nothing that has disappeared is in any read, and all else is`, {
    timeout: 120_000,
  }, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const [ann, bob] = people(2) as [string, string]
    const act = fc.record({
      what: fc.constantFrom('edit', 'edit', 'delete', 'react'),
      seq: fc.integer({ min: 1, max: 3 }),
      late: fc.boolean(),
      node: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(undefined, 1, 40, 60_000), { minLength: 3, maxLength: 3 }),
        fc.array(act, { maxLength: 6 }),
        fc.boolean(),
        async (lives, acts, swept) => {
          const room = await newGroup(store, [ann, bob])
          const drafts = lives.map((life, n) => lasting(room, ann, `<${n + 1}>`, life))
          const sent: MessageEntry[] = []
          for (const draft of drafts) {
            const reply = await persist(store, draft)
            assert.ok('entry' in reply)
            sent.push(asMessage(reply.entry))
          }
          const carryOut = (some: typeof acts) =>
            Promise.all(
              some.map(({ what, seq, node }, n) =>
                persist(
                  node ? store : other,
                  what === 'edit'
                    ? amendment(room, ann, seq, { text: `<${seq}> ${n}` })
                    : amendment(room, ann, seq, what === 'delete' ? 'deleted' : { emoji: '👍', on: true }),
                ),
              ),
            )
          await carryOut(acts.filter(({ late }) => !late))
          const gone = sent.filter((_, n) => (lives[n] ?? 60_000) < 60_000)
          for (const one of gone) await passed(one)
          await Promise.all([
            carryOut(acts.filter(({ late }) => late)),
            ...(swept ? [store.log.eraseExpired(50), other.log.eraseExpired(50)] : []),
          ])
          const deleted = new Set(acts.filter(({ what }) => what === 'delete').map(({ seq }) => seq))
          for (const from of [store, other]) {
            const all = await allReads(
              from,
              room.id,
              ann,
              drafts.map(({ id }) => id),
            )
            const now = await from.log.readMessages(room.id, 1, 3)
            for (const { seq } of sent) {
              const isGone = gone.some((one) => one.seq === seq)
              // Of what is deleted the outbox may still have the text.
              if (!deleted.has(seq)) assert.equal(all.includes(`<${seq}>`), !isGone, `<${seq}>`)
              assert.equal(now[seq - 1]?.deleted ?? false, isGone || deleted.has(seq))
              assert.equal(now[seq - 1]?.expiresAt, sent[seq - 1]!.expiresAt)
            }
            const left = now.filter(({ deleted }) => !deleted)
            const until = left
              .flatMap(({ expiresAt }) => expiresAt ?? [])
              .toSorted()
              .at(0)
            assert.deepEqual(await from.log.countOthers(room.id, bob, 0, 3, 9), {
              count: left.length,
              ...(until && { until }),
            })
          }
        },
      ),
      { numRuns: opened.another ? 10 : 25 },
    )
    while ((await store.log.eraseExpired(50)) > 0);
  })

  test(`${name}: what a process that died had begun to erase, another erases`, { timeout: 120_000 }, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const { module, factory, address } = opened.child
    const script = fileURLToPath(new URL('eraser.ts', import.meta.url))
    const args = [script, module, factory, address, room.id, String(room.membersRev), ann, '7']
    const env = { ...process.env, PARLEY_CRASH_AT: 'sweep.before-commit:3' }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')
    const again = await opened.reopen()
    const left = await again.log.eraseExpired(100)
    assert.ok(left > 0 && left < 7, `${left} were left`)
    assert.equal(await again.log.eraseExpired(100), 0)
    const messages = await again.log.readMessages(room.id, 1, 9)
    assert.equal(messages.length, 7)
    assert.ok(messages.every(({ text, deleted }) => text === '' && deleted))
  })
}

/** Resolves when the message has disappeared. */
const passed = ({ expiresAt }: MessageEntry): Promise<unknown> =>
  until(async () => Date.now() > Date.parse(expiresAt ?? '') + 1)

/** What never changes of a message. */
function place({ kind, conversationId, rev, seq, id, senderId, createdAt, headSeq, membersRev }: MessageEntry) {
  return { kind, conversationId, rev, seq, id, senderId, createdAt, headSeq, membersRev }
}

/** Everything that the store tells of a conversation, as one text. */
async function allReads(store: ChatStore, id: string, userId: string, ids: readonly string[]): Promise<string> {
  const messages = await store.log.readMessages(id, 1, 99)
  const seqs = messages.map(({ seq }) => seq)
  const mine = <E extends { conversationId: string }>(entries: readonly E[]) =>
    entries.filter(({ conversationId }) => conversationId === id)
  return JSON.stringify([
    messages,
    await store.log.pickMessages(id, seqs),
    await store.log.readEntries(id, 1, 99),
    await Promise.all(ids.map(async (one) => (await store.log.findEntry(id, one))?.entry)),
    await Promise.all(seqs.map((seq) => store.log.readVersions(id, seq))),
    mine(await store.log.pending(500)),
    mine(await store.log.pending(500, 0)),
    (await store.search.find({ userId, terms: [], within: { ids: [id], titles: [] }, limit: 50 })).messages,
  ])
}
