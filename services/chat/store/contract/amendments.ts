import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, MessageEntry } from '@parley/protocol/conversation'
import { changed, changesMessage } from '@parley/protocol/message-change'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore } from '../store.ts'
import { amendment, appended, message, newGroup, people, persist, say, title, wholeLog } from './world.ts'

/** Edits, deletions and reactions: entries of the log that change a message in its place. */
export function amendmentsContract(name: string, open: OpenStore): void {
  test(`${name}: a message is what its log makes of it, in every read and after a restart`, {
    timeout: 180_000,
  }, async (t) => {
    const opened = await open(t)
    let { store } = opened
    const other = (await opened.another?.()) ?? store
    const crowd = people(3)
    const who = fc.integer({ min: 0, max: 2 })
    const seq = fc.integer({ min: 1, max: 3 })
    const act = fc.oneof(
      fc.record({ do: fc.constant('edit' as const), who, seq }),
      fc.record({ do: fc.constant('react' as const), who, seq, on: fc.boolean(), emoji: fc.constantFrom('👍', '🎉') }),
      { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), who, seq }) },
      fc.record({ do: fc.constant('send' as const), who }),
      fc.record({ do: fc.constant('rename' as const), who }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(act, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), async (rounds) => {
        const room = await newGroup(store, crowd)
        await say(store, room, crowd[0]!, 'one', 'two', 'three')
        for (const [r, acts] of rounds.entries()) {
          // What is done in one round is done at once.
          await Promise.all(
            acts.map((each, n) => {
              const by = crowd[each.who]!
              const words = `${r}.${n}`
              const draft =
                each.do === 'send'
                  ? message(room, by, words)
                  : each.do === 'rename'
                    ? title(room, by, words)
                    : each.do === 'edit'
                      ? amendment(room, by, each.seq, { text: words })
                      : each.do === 'delete'
                        ? amendment(room, by, each.seq, 'deleted')
                        : amendment(room, by, each.seq, { emoji: each.emoji, on: each.on })
              return persist(n % 2 ? store : other, draft)
            }),
          )
          await assertFolded(store, room.id)
          await assertFolded(other, room.id)
        }
        assert.equal((await store.log.findConversation(room.id))?.rev, (await wholeLog(store, room.id)).length)
      }),
      { numRuns: 15 },
    )
    const room = await newGroup(store, crowd)
    await say(store, room, crowd[0]!, 'one')
    appended(await store.log.append(amendment(room, crowd[0]!, 1, { text: 'uno' })))
    appended(await store.log.append(amendment(room, crowd[1]!, 1, { emoji: '👍', on: true })))
    const before = await store.log.readEntries(room.id, 1, 10)
    store = await opened.reopen()
    assert.deepEqual(await store.log.readEntries(room.id, 1, 10), before)
    assert.equal((await store.log.findConversation(room.id))?.rev, 4)
    appended(await store.log.append(message(room, crowd[1]!, 'two')))
    await assertFolded(store, room.id)
  })

  test(`${name}: an edit keeps the place, the first reply and every version`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(store, [ann])
    const first = message(room, ann, 'frist')
    const sent = appended(await store.log.append(first))
    const edited = appended(await store.log.append(amendment(room, ann, 1, { text: 'first' })))
    const again = appended(await store.log.append(amendment(room, ann, 1, { text: 'First!' })))
    const [now] = await store.log.readMessages(room.id, 1, 1)
    const place = { changedRev: again.rev, editedAt: again.createdAt, edits: 2, text: 'First!' }
    assert.deepEqual(now, { ...sent, ...place })
    assert.deepEqual(await store.log.readVersions(room.id, 1), [
      { text: 'frist', createdAt: sent.createdAt },
      { text: 'first', createdAt: edited.createdAt },
      { text: 'First!', createdAt: again.createdAt },
    ])
    const { text: _, ...superseded } = edited as Entry & { text?: string }
    assert.deepEqual(await store.log.readEntries(room.id, 2, 9), [now, superseded, again])
    const repeated = await store.log.append(first)
    assert.ok(repeated.outcome === 'repeated')
    assert.equal(repeated.entry.rev, sent.rev)
    assert.equal(repeated.entry.createdAt, sent.createdAt)
    assert.deepEqual(await store.log.append({ ...first, contentHash: 'ab'.repeat(16) }), { outcome: 'conflict' })
  })

  test(`${name}: a repeated change is the first one, and another content under its id a conflict`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    await say(store, room, ann, 'one')
    const on = amendment(room, bob, 1, { emoji: '👍', on: true })
    const entry = appended(await store.log.append(on))
    appended(await store.log.append(amendment(room, bob, 1, { emoji: '👍', on: false })))
    assert.deepEqual(await store.log.append(on), { outcome: 'repeated', entry })
    assert.equal((await store.log.readMessages(room.id, 1, 1))[0]?.reactions, undefined)
    const others = amendment(room, bob, 1, { emoji: '🎉', on: true }, on.id)
    assert.deepEqual(await store.log.append(others), { outcome: 'conflict' })
    assert.deepEqual(await store.log.append({ ...on, senderId: ann }), { outcome: 'conflict' })
    const stale = amendment({ id: room.id, membersRev: 7 }, bob, 1, 'deleted')
    assert.deepEqual(await store.log.append(stale), { outcome: 'stale' })
  })

  test(`${name}: of a deleted message nothing is left but its place`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const sent = message(room, ann, 'secret one')
    const { id, rev, createdAt } = appended(await store.log.append(sent))
    const edit = amendment(room, ann, 1, { text: 'secret two' })
    const editEntry = appended(await store.log.append(edit))
    appended(await store.log.append(amendment(room, bob, 1, { emoji: '👍', on: true })))
    const gone = appended(await store.log.append(amendment(room, ann, 1, 'deleted')))
    const late = amendment(room, ann, 1, { text: 'secret three' })
    const lateEntry = appended(await store.log.append(late))
    const store2 = await opened.reopen()
    const [now] = await store2.log.readMessages(room.id, 1, 1)
    assert.deepEqual(now, {
      kind: 'message',
      conversationId: room.id,
      rev,
      seq: 1,
      headSeq: 1,
      membersRev: room.membersRev,
      id,
      senderId: ann,
      createdAt,
      text: '',
      changedRev: lateEntry.rev,
      deleted: true,
    })
    assert.equal(gone.rev, 5)
    assert.deepEqual(await store2.log.readVersions(room.id, 1), [])
    assert.doesNotMatch(JSON.stringify(await wholeLog(store2, room.id)), /secret/)
    for (const draft of [sent, edit, late])
      assert.equal((await store2.log.findEntry(room.id, draft.id))?.contentHash, '', 'no hash of the text is left')
    for (const [draft, first] of [
      [sent, rev],
      [edit, editEntry.rev],
      [late, lateEntry.rev],
    ] as const) {
      const reply = await store2.log.append(draft)
      assert.ok(reply.outcome === 'repeated', 'a repeat is still answered as the first')
      assert.equal(reply.entry.rev, first)
    }
    assert.deepEqual(await store2.log.countOthers(room.id, bob, 0, 1, 10), { count: 0 }, 'there is nothing to be read')
  })

  test(`${name}: what is left to be relayed says what is so now`, async (t) => {
    const opened = await open(t)
    const [ann] = people(1) as [string]
    const room = await newGroup(opened.store, [ann])
    await say(opened.store, room, ann, 'one', 'two')
    appended(await opened.store.log.append(amendment(room, ann, 1, { text: 'uno' })))
    appended(await opened.store.log.append(amendment(room, ann, 2, 'deleted')))
    const store = await opened.reopen()
    const left = [...(await store.log.pending(10)), ...(await store.log.pending(10, 0))]
    assert.deepEqual(
      left.map((entry) => [entry.kind, 'text' in entry ? entry.text : undefined]),
      [
        ['created', undefined],
        ['message', 'uno'],
        ['message', ''],
        ['message.edited', 'uno'],
        ['message.deleted', undefined],
      ],
    )
  })
}

/** What every message is now is what folding the log from its first sight gives, and each is the same however it is read. */
async function assertFolded(store: ChatStore, conversationId: string): Promise<void> {
  const log = await wholeLog(store, conversationId)
  const messages = log.filter((entry): entry is MessageEntry => entry.kind === 'message')
  assert.deepEqual(await store.log.readMessages(conversationId, 1, messages.length), messages)
  for (const now of messages) {
    const about = log.filter(changesMessage).filter(({ seq }) => seq === now.seq)
    const { text: _, changedRev, editedAt, edits, deleted, reactions, ...sent } = now
    const folded = about.reduce<MessageEntry>(changed, { ...sent, text: now.text })
    // The first text is not in the log any more: what it is now has to come from the latest edit.
    const latest = about.findLast((entry) => entry.kind === 'message.edited')
    if (latest && !now.deleted && 'text' in latest) assert.equal(now.text, latest.text)
    assert.deepEqual(now, folded)
    assert.equal(about.reduce(changed, now), now, 'what is read as it is now is changed by no earlier entry')
  }
}
