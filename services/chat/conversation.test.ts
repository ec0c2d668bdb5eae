import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '@parley/protocol/conversation'
import fc from 'fast-check'
import { applyEntry, type Conversation, changesTerms, NOTHING_MORE } from './conversation.ts'

test('a group starts with its members, who see all of it', () => {
  const now = fold(created('ann', 'bob'))
  assert.deepEqual(now, {
    ...NOTHING_MORE,
    id: 'room',
    kind: 'group',
    title: 'Fishing',
    rev: 1,
    headSeq: 0,
    membersRev: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    members: new Map([
      ['ann', { userId: 'ann', role: 'owner', fromSeq: 1, fromRev: 1 }],
      ['bob', { userId: 'bob', role: 'member', fromSeq: 1, fromRev: 1 }],
    ]),
  })
})

test('a message moves the head and nothing else', () => {
  const before = fold(created('ann'))
  const after = applyEntry(before, next(before, { kind: 'message', text: 'hello' }))
  assert.deepEqual(after, { ...before, rev: 2, headSeq: 1 })
})

test('a new title is the title', () => {
  const before = fold(created('ann'))
  const after = applyEntry(before, next(before, { kind: 'renamed', title: 'Hunting' }))
  assert.deepEqual(after, { ...before, rev: 2, title: 'Hunting' })
})

test('who is added sees from there on; who is in already keeps what they see', () => {
  const now = fold(created('ann'), { kind: 'message', text: 'one' }, { kind: 'members.added', userIds: ['bob', 'ann'] })
  assert.deepEqual(now.members.get('bob'), { userId: 'bob', role: 'member', fromSeq: 2, fromRev: 3 })
  assert.deepEqual(now.members.get('ann'), { userId: 'ann', role: 'owner', fromSeq: 1, fromRev: 1 })
  assert.equal(now.membersRev, 3)
})

test('who comes back sees from the return on, and stands at the end of the line', () => {
  const now = fold(
    created('ann', 'bob', 'cem'),
    { kind: 'members.removed', userIds: ['bob'] },
    { kind: 'message', text: 'without bob' },
    { kind: 'members.added', userIds: ['bob'] },
  )
  assert.deepEqual(now.members.get('bob'), { userId: 'bob', role: 'member', fromSeq: 2, fromRev: 4 })
  assert.deepEqual([...now.members.keys()], ['ann', 'cem', 'bob'])
})

test('when the owner goes the longest-standing member becomes the owner', () => {
  const now = fold(created('ann', 'bob', 'cem'), { kind: 'members.removed', userIds: ['ann'] })
  assert.equal(now.members.get('bob')?.role, 'owner')
  assert.equal(now.members.get('cem')?.role, 'member')
})

test('when the owner goes an admin comes before whoever is there for longer', () => {
  const now = fold(
    created('ann', 'bob', 'cem'),
    { kind: 'members.role', userId: 'cem', role: 'admin' },
    { kind: 'members.removed', userIds: ['ann'] },
  )
  assert.deepEqual(roles(now), { bob: 'member', cem: 'owner' })
})

test('who hands the group over stays in it as an admin', () => {
  const now = fold(created('ann', 'bob'), { kind: 'members.role', userId: 'bob', role: 'owner' })
  assert.deepEqual(roles(now), { ann: 'admin', bob: 'owner' })
})

test('an invite counts whom it let in until it is revoked', () => {
  const made = fold(
    created('ann'),
    { kind: 'invite.created', inviteId: 'door', expiresAt: null, maxUses: 2 },
    { kind: 'members.added', userIds: ['bob'], senderId: 'bob', inviteId: 'door' },
    { kind: 'members.added', userIds: ['cem'] },
  )
  assert.deepEqual(made.invites, [{ id: 'door', createdBy: 'ann', expiresAt: null, maxUses: 2, uses: 1 }])
  assert.deepEqual(applyEntry(made, next(made, { kind: 'invite.revoked', inviteId: 'door' })).invites, [])
})

test('who was removed by another is barred until somebody adds them; who left is not', () => {
  const gone = fold(
    created('ann', 'bob', 'cem'),
    { kind: 'members.removed', userIds: ['bob'] },
    { kind: 'members.removed', userIds: ['cem'], senderId: 'cem' },
  )
  assert.deepEqual(gone.barred, ['bob'])
  assert.deepEqual(applyEntry(gone, next(gone, { kind: 'members.added', userIds: ['bob'] })).barred, [])
})

test('what is pinned again stands last, and what is no longer pinned is gone', () => {
  const pinned = fold(created('ann'), ...[1, 2, 1].map((seq) => ({ kind: 'message.pinned' as const, seq, on: true })))
  assert.deepEqual(pinned.pinned, [2, 1])
  assert.deepEqual(applyEntry(pinned, next(pinned, { kind: 'message.pinned', seq: 2, on: false })).pinned, [1])
})

test('when a member goes the owner stays, and whoever was never there changes nobody', () => {
  const now = fold(created('ann', 'bob'), { kind: 'members.removed', userIds: ['bob', 'dan'] })
  assert.deepEqual(
    [...now.members.values()].map((m) => `${m.userId} ${m.role}`),
    ['ann owner'],
  )
})

test('a log that does not begin with its creation is refused', () => {
  const before = fold(created('ann'))
  assert.throws(() => applyEntry(undefined, next(before, { kind: 'message', text: 'hello' })), /nothing before it/)
})

test('whatever happens, a group with members has exactly one owner and no entry changes what was before it', () => {
  const someone = fc.subarray(['ann', 'bob', 'cem', 'dan'], { minLength: 1 })
  const act: fc.Arbitrary<What> = fc.oneof(
    fc.record({ kind: fc.constantFrom('members.added' as const, 'members.removed' as const), userIds: someone }),
    fc.record({
      kind: fc.constant('members.role' as const),
      userId: fc.constantFrom('ann', 'bob', 'cem', 'dan'),
      role: fc.constantFrom('owner' as const, 'admin' as const),
    }),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
      let now = fold(created('ann', 'bob'))
      for (const what of acts) {
        const before = structuredClone(now)
        const after = applyEntry(now, next(now, what))
        assert.deepEqual(now, before)
        const owners = [...after.members.values()].filter((m) => m.role === 'owner')
        if (after.members.size === 0) return // nobody is left who could add anybody
        assert.equal(owners.length, 1)
        now = after
      }
    }),
  )
})

const roles = (now: Conversation): Record<string, string> =>
  Object.fromEntries([...now.members.values()].map(({ userId, role }) => [userId, role]))

type What = Entry extends infer E ? (E extends Entry ? Partial<E> & { kind: E['kind'] } : never) : never

/** An entry that creates the group of these; the first owns it. */
function created(...userIds: string[]): What {
  const members = userIds.map((userId, n) => ({ userId, role: n === 0 ? ('owner' as const) : ('member' as const) }))
  return { kind: 'created', conversationKind: 'group', title: 'Fishing', members }
}

/** The conversation that these entries make, one after another. */
function fold(...whats: What[]): Conversation {
  const now = whats.reduce<Conversation | undefined>(
    (before, what) => applyEntry(before, next(before, what)),
    undefined,
  )
  assert.ok(now)
  return now
}

/** What happens next in the conversation, as the entry that a store would make of it. */
function next(before: Conversation | undefined, what: What): Entry {
  const rev = (before?.rev ?? 0) + 1
  const headSeq = (before?.headSeq ?? 0) + (what.kind === 'message' ? 1 : 0)
  const moves = what.kind !== 'message' && changesTerms(what.kind)
  const place = { rev, headSeq, membersRev: moves ? rev : (before?.membersRev ?? 0) }
  const rest = { conversationId: 'room', id: `entry-${rev}`, senderId: 'ann', createdAt: '2026-01-01T00:00:00.000Z' }
  return { ...rest, ...place, ...(what.kind === 'message' ? { seq: headSeq } : {}), ...what } as Entry
}
