import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { applyEntry, type Conversation, NOTHING_MORE } from '../../conversation.ts'
import type { OpenStore } from '../store.contract.ts'
import type { Draft } from '../store.ts'
import {
  appended,
  group,
  hashOf,
  membership,
  message,
  newGroup,
  newId,
  people,
  persist,
  say,
  title,
  wholeLog,
} from './world.ts'

/** Membership and titles: decided in the log, with the rest. */
export function changesContract(name: string, open: OpenStore): void {
  test(`${name}: a conversation is what its log makes of it`, { timeout: 120_000 }, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const crowd = people(5)
    const someone = fc.integer({ min: 0, max: 4 })
    const act = fc.record({ kind: fc.constantFrom(...ACTS), who: someone })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 18 }), async (acts) => {
        const created = group(crowd.slice(0, 2), 'At first')
        appended(await store.log.append(created))
        for (const [n, { kind, who }] of acts.entries()) {
          const by = n % 2 ? store : other
          const now = await by.log.findConversation(created.id)
          assert.ok(now)
          appended(await by.log.append(draftOf(kind, now, crowd[who]!, n)))
        }
        const folded = (await wholeLog(store, created.id)).reduce<Conversation | undefined>(applyEntry, undefined)
        assert.deepEqual(await store.log.findConversation(created.id), folded)
        assert.deepEqual(await other.log.findConversation(created.id), folded)
        assert.deepEqual(await other.log.cachedConversation(created.id, folded?.membersRev), folded)
      }),
      { numRuns: 25 },
    )
  })

  test(`${name}: a message that was authorised before a removal and comes after it is refused`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const [ann, bob] = people(2) as [string, string]
    for (let round = 0; round < 5; round++) {
      const room = await newGroup(store, [ann, bob])
      const sends = Array.from({ length: 20 }, (_, n) => message(room, bob, `${n}`))
      const removal = membership('members.removed', room, ann, [bob])
      const [removed, ...replies] = await Promise.all([
        persist(other, removal),
        ...sends.map((draft) => persist(store, draft)),
      ])
      const { rev } = appended(removed!)
      for (const reply of replies) {
        if (reply.outcome === 'appended') assert.ok(reply.entry.rev < rev, 'nothing of bob after his removal')
        else assert.equal(reply.outcome, 'stale')
      }
      assert.deepEqual(await store.log.append(message(room, bob, 'too late')), { outcome: 'stale' })
      assert.deepEqual(await other.log.append(message(room, bob, 'too late')), { outcome: 'stale' })
      const log = await wholeLog(store, room.id)
      assert.equal(log.at(-1)?.rev, rev)
    }
  })

  test(`${name}: of two changes of membership made at once, one must look again`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(store, [ann, bob, cem])
    const replies = await Promise.all([
      persist(store, membership('members.removed', room, ann, [bob])),
      persist(other, membership('members.removed', room, cem, [cem])),
      persist(store, title(room, bob, 'By bob')),
    ])
    assert.equal(replies.slice(0, 2).filter((reply) => reply.outcome === 'appended').length, 1)
    assert.equal(replies.slice(0, 2).filter((reply) => reply.outcome === 'stale').length, 1)
    const now = await store.log.findConversation(room.id)
    assert.deepEqual(await store.log.append(title(room, bob, 'By bob')), { outcome: 'stale' })
    appended(await store.log.append(title(now!, ann, 'By ann')))
    assert.equal((await other.log.findConversation(room.id))?.title, 'By ann')
  })

  test(`${name}: in a conversation that does not exist nothing can be said`, async (t) => {
    const { store } = await open(t)
    const [ann] = people(1) as [string]
    const nowhere = { id: newId(), membersRev: 1 }
    assert.deepEqual(await store.log.append(message(nowhere, ann, 'hello?')), { outcome: 'stale' })
    assert.deepEqual(await store.log.append(title(nowhere, ann, 'Nowhere')), { outcome: 'stale' })
    assert.equal(await store.log.findConversation(nowhere.id), undefined)
    assert.equal(await store.log.cachedConversation(nowhere.id), undefined)
    assert.deepEqual(await wholeLog(store, nowhere.id), [])
  })

  test(`${name}: whoever joins sees from the join on, and after leaving and coming back from the latest join`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const room = await newGroup(store, [ann])
    await say(store, room, ann, 'one', 'two')
    const joined = appended(await store.log.append(membership('members.added', room, ann, [bob])))
    assert.deepEqual(window(await store.log.findConversation(room.id), bob), { fromSeq: 3, fromRev: 4 })
    const now = { id: room.id, membersRev: joined.rev }
    await say(store, now, ann, 'three')
    const left = appended(await store.log.append(membership('members.removed', now, bob, [bob])))
    assert.equal(window(await store.log.findConversation(room.id), bob), undefined)
    await say(store, { id: room.id, membersRev: left.rev }, ann, 'four')
    appended(
      await store.log.append(membership('members.added', { id: room.id, membersRev: left.rev }, ann, [bob, ann])),
    )
    assert.deepEqual(window(await store.log.findConversation(room.id), bob), { fromSeq: 5, fromRev: 8 })
    assert.deepEqual(window(await store.log.findConversation(room.id), ann), { fromSeq: 1, fromRev: 1 })
  })

  test(`${name}: when the owner goes the longest-standing member owns the group, and an empty group has nobody`, async (t) => {
    const opened = await open(t)
    const [ann, bob, cem] = people(3) as [string, string, string]
    const room = await newGroup(opened.store, [ann, bob, cem])
    appended(await opened.store.log.append(membership('members.removed', room, ann, [ann])))
    const store = await opened.reopen()
    const now = await store.log.findConversation(room.id)
    assert.equal(now?.members.get(bob)?.role, 'owner')
    appended(await store.log.append(membership('members.removed', now!, bob, [bob, cem])))
    assert.equal((await store.log.findConversation(room.id))?.members.size, 0)
  })

  test(`${name}: a change shows everywhere as soon as it is acknowledged`, async (t) => {
    const opened = await open(t)
    const { store } = opened
    const other = (await opened.another?.()) ?? store
    const [ann, bob] = people(2) as [string, string]
    let now = await newGroup(store, [ann])
    for (let n = 0; n < 10; n++) {
      const add = n % 2 === 0
      const kind = add ? 'members.added' : 'members.removed'
      const { rev } = appended(await store.log.append(membership(kind, now, ann, [bob])))
      const seen = await other.log.findConversation(now.id)
      assert.equal(seen?.membersRev, rev)
      assert.equal(seen.members.has(bob), add)
      assert.equal((await other.log.cachedConversation(now.id, rev))?.members.has(bob), add)
      assert.deepEqual(await other.inbox.conversationIds(bob, 10), add ? [now.id] : [])
      now = { ...now, membersRev: rev }
    }
  })

  test(`${name}: a direct conversation keeps its kind and both its people`, async (t) => {
    const opened = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const id = newId()
    const members = [ann, bob].map((userId) => ({ userId, role: 'member' as const }))
    const draft: Draft = {
      kind: 'created',
      conversationId: id,
      id,
      senderId: ann,
      contentHash: hashOf(id),
      conversationKind: 'direct',
      title: '',
      members,
    }
    const { createdAt } = appended(await opened.store.log.append(draft))
    const store = await opened.reopen()
    assert.deepEqual(await store.log.findConversation(id), {
      ...NOTHING_MORE,
      openedBy: [ann],
      id,
      kind: 'direct',
      title: '',
      rev: 1,
      headSeq: 0,
      membersRev: 1,
      createdAt,
      members: new Map(members.map((m) => [m.userId, { ...m, fromSeq: 1, fromRev: 1 }])),
    })
  })
}

const ACTS = [
  'message',
  'opened',
  'renamed',
  'described',
  'members.added',
  'members.removed',
  'members.role',
  'invite.created',
  'invite.revoked',
  'timer.changed',
  'message.pinned',
] as const

function draftOf(kind: (typeof ACTS)[number], now: Conversation, who: string, n: number): Draft {
  const base = { conversationId: now.id, id: newId(), senderId: who, contentHash: hashOf(`${n}`) }
  const made = { ...base, membersRev: now.membersRev }
  switch (kind) {
    case 'message':
      return message(now, who, `message ${n}`)
    case 'opened':
      return { ...made, kind }
    case 'renamed':
      return title(now, who, `title ${n}`)
    case 'members.added':
      return { ...made, kind, userIds: [who], ...(now.invites[0] && { inviteId: now.invites[0].id }) }
    case 'members.removed':
      return membership(kind, now, who, [who])
    case 'described':
      return { ...made, kind, description: `description ${n}` }
    case 'members.role':
      return { ...made, kind, userId: who, role: n % 3 === 0 ? 'owner' : n % 3 === 1 ? 'admin' : 'member' }
    case 'invite.created':
      return {
        ...made,
        kind,
        inviteId: newId(),
        expiresAt: n % 2 ? null : '2030-01-01T00:00:00.000Z',
        maxUses: n || null,
      }
    case 'invite.revoked':
      return { ...made, kind, inviteId: now.invites[0]?.id ?? newId() }
    case 'timer.changed':
      return { ...made, kind, disappearAfterMs: n % 2 ? n * 1_000 : null }
    case 'message.pinned':
      return { ...made, kind, seq: 1 + (n % 3), on: n % 4 !== 0 }
    default:
      throw new Error(`unknown act ${kind satisfies never}`)
  }
}

function window(now: Conversation | undefined, userId: string): { fromSeq: number; fromRev: number } | undefined {
  const member = now?.members.get(userId)
  return member && { fromSeq: member.fromSeq, fromRev: member.fromRev }
}
