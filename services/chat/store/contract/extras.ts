import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageEntry } from '@parley/protocol/conversation'
import { changesMessage } from '@parley/protocol/message-change'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import type { ChatStore, Draft, DraftExtras } from '../store.ts'
import { amendment, appended, asMessage, message, newGroup, newId, people, persist, say, wholeLog } from './world.ts'

/** What messages carry besides their text: kept with them, changed with them, erased with them. */
export function extrasContract(name: string, open: OpenStore): void {
  test(`${name}: what messages carry stays with each of them, among plain ones and after a restart`, async (t) => {
    const opened = await open(t)
    let { store } = opened
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann, bob])
    const carried: (DraftExtras | undefined)[] = [
      undefined,
      { replyTo: 1 },
      undefined,
      { mentions: [bob] },
      { mentions: [bob, ann], replyTo: 2, forwarded: true },
      { forwarded: true },
      { mentionsAll: true },
      { lifetimeMs: 60_000 },
      undefined,
      { lifetimeMs: 90_000, replyTo: 1, mentions: [ann] },
    ]
    const drafts = carried.map((extras, n) => carrying(room, ann, `größer 👩‍👩‍👧 ${n}`, extras))
    const replies = await Promise.all(drafts.map((draft) => persist(store, draft)))
    const sent = replies.map((reply) => asMessage(appended(reply)))
    for (const [n, entry] of sent.entries()) {
      const { lifetimeMs, ...extras } = carried[n] ?? {}
      const { replyTo, mentions, mentionsAll, forwarded, expiresAt } = entry
      const present = Object.fromEntries(
        Object.entries({ replyTo, mentions, mentionsAll, forwarded }).filter(([, value]) => value !== undefined),
      )
      assert.deepEqual(present, extras)
      assert.equal(expiresAt && Date.parse(expiresAt) - Date.parse(entry.createdAt), lifetimeMs)
    }
    for (const restarted of [false, true]) {
      if (restarted) store = await opened.reopen()
      assert.deepEqual(await store.log.readMessages(room.id, 1, 20), sent)
      assert.deepEqual((await wholeLog(store, room.id)).slice(1), sent)
      assert.deepEqual(await store.log.pickMessages(room.id, [7, 2, 99, 2, 0]), [sent[1], sent[6]])
      assert.deepEqual((await store.log.findEntry(room.id, sent[4]!.id))?.entry, sent[4])
      const pending = [...(await store.log.pending(20)), ...(await store.log.pending(20, 0))]
      assert.deepEqual(pending.slice(-sent.length), sent)
    }
    for (const [n, draft] of drafts.entries()) {
      const reply = await store.log.append(draft)
      assert.deepEqual(reply, { outcome: 'repeated', entry: sent[n] }, 'a repeat is the first, with when it disappears')
    }
    // Told again under another timer, it still disappears when it did.
    const later = { ...drafts[7]!, extras: { lifetimeMs: 5_000 } } as Draft
    const repeated = await store.log.append(later)
    assert.ok(repeated.outcome === 'repeated')
    assert.equal(asMessage(repeated.entry).expiresAt, sent[7]!.expiresAt)
    assert.deepEqual(await store.log.pickMessages(newId(), [1]), [])
    assert.deepEqual(await store.log.pickMessages(room.id, []), [])
  })

  test(`${name}: whom messages name is found, with everybody, in the range and up to the limit`, async (t) => {
    const { store } = await open(t)
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob, cem])
    const other = await newGroup(store, [ann, bob, cem])
    const all: DraftExtras[] = [
      { mentions: [bob] },
      { replyTo: 1 },
      { mentions: [bob, cem] },
      { mentionsAll: true, mentions: [bob] },
      { mentions: [cem] },
      { mentions: [bob] },
    ]
    for (const [n, extras] of all.entries())
      appended(await store.log.append(carrying(room, n % 2 ? cem : ann, `${n}`, extras)))
    appended(await store.log.append(carrying(other, ann, 'elsewhere', { mentions: [bob] })))
    const seqs = async (userId: string, from = 1, to = 99, limit = 99) =>
      (await store.log.readMentions(room.id, userId, from, to, limit)).map(({ seq }) => seq)
    assert.deepEqual(await seqs(bob), [1, 3, 4, 6])
    assert.deepEqual(await seqs(cem), [3, 4, 5])
    assert.deepEqual(await seqs(ann), [4])
    assert.deepEqual(await seqs(newId()), [4], 'who is named with everybody')
    assert.deepEqual(await seqs(bob, 3, 5), [3, 4])
    assert.deepEqual(await seqs(bob, 2, 99, 2), [3, 4])
    assert.deepEqual(await seqs(bob, 7), [])
    assert.deepEqual((await store.log.readMentions(room.id, bob, 1, 99, 99))[2], { seq: 4, senderId: cem })
    assert.deepEqual(await store.log.readMentions(newId(), bob, 1, 99, 99), [])
  })

  test(`${name}: an edit names whom its text names, and a deletion nobody; what else is carried stays or goes`, async (t) => {
    const opened = await open(t)
    let { store } = opened
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob, cem])
    const named = async (userId: string) =>
      (await store.log.readMentions(room.id, userId, 1, 99, 99)).map(({ seq }) => seq)
    await say(store, room, ann, 'one')
    appended(await store.log.append(carrying(room, ann, '@bob', { mentions: [bob], replyTo: 1, forwarded: true })))
    const edit = (text: string, names: Pick<MessageEntry, 'mentions' | 'mentionsAll'>) =>
      store.log.append({ ...amendment(room, ann, 2, { text }), ...names } as Draft)
    const first = appended(await edit('@cem', { mentions: [cem] }))
    assert.ok(first.kind === 'message.edited')
    assert.deepEqual(first.mentions, [cem])
    assert.deepEqual([await named(bob), await named(cem)], [[], [2]])
    const second = appended(await edit('@all', { mentionsAll: true }))
    assert.deepEqual([await named(bob), await named(cem)], [[2], [2]])
    const [now] = await store.log.readMessages(room.id, 2, 2)
    assert.deepEqual((await store.log.findEntry(room.id, now!.id))?.named, { mentions: [bob] }, 'as it was sent')
    assert.deepEqual(
      [now?.replyTo, now?.forwarded, now?.mentions, now?.mentionsAll, now?.text],
      [1, true, undefined, true, '@all'],
    )
    store = await opened.reopen()
    const edits = (await wholeLog(store, room.id)).filter(changesMessage)
    assert.deepEqual(
      edits.map((entry) => ('text' in entry ? entry.text : undefined)),
      [undefined, '@all'],
    )
    assert.ok(!('mentions' in edits[0]!), 'whom an earlier text named is gone with it')
    assert.deepEqual(edits[1], second)
    appended(await edit('nobody', {}))
    assert.deepEqual([await named(bob), await named(cem)], [[], []])
    assert.equal('mentionsAll' in (await store.log.readMessages(room.id, 2, 2))[0]!, false)
    appended(await edit('@bob again', { mentions: [bob] }))
    appended(await store.log.append(carrying(room, ann, 'soon gone', { lifetimeMs: 60_000, mentions: [cem] })))
    for (const seq of [2, 3]) appended(await store.log.append(amendment(room, ann, seq, 'deleted')))
    appended(await edit('@bob once more', { mentions: [bob] }))
    store = await opened.reopen()
    assert.deepEqual([await named(bob), await named(cem)], [[], []])
    const [two, three] = await store.log.readMessages(room.id, 2, 3)
    for (const field of ['replyTo', 'forwarded', 'mentions', 'mentionsAll']) assert.ok(!(field in two!), field)
    assert.ok(three?.expiresAt, 'its place disappears when it would have')
    const log = await wholeLog(store, room.id)
    assert.ok(!log.some((entry) => 'mentions' in entry || 'mentionsAll' in entry))
  })

  test(`${name}: whoever is named, and whatever is edited and deleted at once, the index is what the messages say`, {
    timeout: 120_000,
  }, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const crowd = people(3)
    const names = fc.oneof(
      fc.subarray([0, 1, 2]).map((who) => ({ who, all: false })),
      fc.constant({ who: [] as number[], all: true }),
    )
    const act = fc.record({
      do: fc.constantFrom('edit', 'edit', 'delete', 'react'),
      seq: fc.integer({ min: 1, max: 3 }),
      names,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(names, { minLength: 3, maxLength: 3 }),
        fc.array(act, { maxLength: 8 }),
        async (first, acts) => {
          const room = await newGroup(store, crowd)
          const extras = ({ who, all }: { who: number[]; all: boolean }): DraftExtras => ({
            ...(who.length > 0 && { mentions: who.map((n) => crowd[n]!) }),
            ...(all && { mentionsAll: true as const }),
          })
          for (const each of first) await persist(store, carrying(room, crowd[0]!, 'first', extras(each)))
          await Promise.all(
            acts.map(({ do: what, seq, names: each }, n) => {
              const draft =
                what === 'edit'
                  ? ({ ...amendment(room, crowd[0]!, seq, { text: `${n}` }), ...extras(each) } as Draft)
                  : amendment(room, crowd[0]!, seq, what === 'delete' ? 'deleted' : { emoji: '👍', on: true })
              return persist(n % 2 ? store : other, draft)
            }),
          )
          await assertFound(store, room.id, crowd)
          await assertFound(other, room.id, crowd)
        },
      ),
      { numRuns: 12 },
    )
  })
}

/** Each is found by exactly the messages that name them now. */
async function assertFound(store: ChatStore, conversationId: string, crowd: readonly string[]): Promise<void> {
  const messages = await store.log.readMessages(conversationId, 1, 99)
  for (const userId of crowd) {
    const wanted = messages.filter(({ mentions, mentionsAll }) => mentionsAll || mentions?.includes(userId))
    const found = await store.log.readMentions(conversationId, userId, 1, 99, 99)
    assert.deepEqual(
      found.map(({ seq }) => seq),
      wanted.map(({ seq }) => seq),
    )
  }
}

function carrying(
  to: { id: string; membersRev: number },
  senderId: string,
  text: string,
  extras: DraftExtras | undefined,
): Draft {
  const draft = message(to, senderId, text)
  return extras && Object.keys(extras).length > 0 ? ({ ...draft, extras } as Draft) : draft
}
