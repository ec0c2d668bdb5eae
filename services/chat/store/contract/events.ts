import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTimelineEvent } from '@parley/protocol/timeline-event'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import { CHANGE_KINDS, type Draft } from '../store.ts'
import { amendment, appended, hashOf, membership, message, newGroup, newId, people, title, wholeLog } from './world.ts'

/** The changes that a timeline shows: found by where they stand among the messages, and nothing else with them. */
export function eventsContract(name: string, open: OpenStore): void {
  test(`${name}: the events of a range are those of the log, the latest where there are too many`, {
    timeout: 120_000,
  }, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const act = fc.constantFrom('message', 'reaction', ...CHANGE_KINDS.filter((kind) => kind !== 'created'))
    const range = fc.record({
      from: fc.integer({ min: -1, max: 12 }),
      size: fc.integer({ min: -1, max: 12 }),
      limit: fc.integer({ min: 0, max: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 20 }), fc.array(range, { maxLength: 6 }), async (acts, ranges) => {
        const room = await newGroup(store, [ann])
        appended(await store.log.append(message(room, ann, 'first')))
        for (const [n, kind] of acts.entries()) {
          const { membersRev } = (await store.log.findConversation(room.id))!
          appended(await store.log.append(draftOf(kind, { id: room.id, membersRev }, ann, bob, n)))
        }
        const log = (await wholeLog(store, room.id)).filter(isTimelineEvent)
        for (const { from, size, limit } of [...ranges, { from: 0, size: 100, limit: 100 }]) {
          const within = log.filter(({ headSeq }) => headSeq >= from && headSeq <= from + size)
          const expected = limit === 0 ? [] : within.slice(-limit)
          assert.deepEqual(await store.log.readEvents(room.id, from, from + size, limit), expected)
        }
      }),
      { numRuns: 25 },
    )
    assert.deepEqual(await store.log.readEvents(newId(), 0, 10, 10), [])
  })

  test(`${name}: that a direct conversation was opened is no event`, async (t) => {
    const { store } = await open(t)
    const [ann, bob] = people(2) as [string, string]
    const id = newId()
    const members = [ann, bob].map((userId) => ({ userId, role: 'member' as const }))
    const direct = { conversationKind: 'direct' as const, title: '', members }
    const { membersRev } = appended(
      await store.log.append({
        kind: 'created',
        conversationId: id,
        id,
        senderId: ann,
        contentHash: hashOf(id),
        ...direct,
      }),
    )
    assert.deepEqual(await store.log.readEvents(id, 0, 10, 10), [])
    const base = { conversationId: id, id: newId(), senderId: ann, contentHash: hashOf('t'), membersRev }
    const timer = appended(await store.log.append({ ...base, kind: 'timer.changed', disappearAfterMs: 1_000 }))
    assert.deepEqual(await store.log.readEvents(id, 0, 10, 10), [timer])
  })
}

function draftOf(
  kind: 'message' | 'reaction' | Exclude<(typeof CHANGE_KINDS)[number], 'created'>,
  room: { id: string; membersRev: number },
  ann: string,
  bob: string,
  n: number,
): Draft {
  const { id: conversationId, membersRev } = room
  const made = { conversationId, id: newId(), senderId: ann, contentHash: hashOf(`${n}`), membersRev }
  switch (kind) {
    case 'message':
      return message(room, ann, `message ${n}`)
    case 'reaction':
      return amendment(room, ann, 1, { emoji: '👍', on: n % 2 === 0 })
    case 'message.reacted':
      return amendment(room, ann, 1, { emoji: '🎉', on: true })
    case 'message.edited':
      return amendment(room, ann, 1, { text: `edited ${n}` })
    case 'message.deleted':
      return amendment(room, ann, 1, 'deleted')
    case 'members.added':
    case 'members.removed':
      return membership(kind, room, ann, [bob])
    case 'members.role':
      return { ...made, kind, userId: bob, role: n % 2 ? 'admin' : 'member' }
    case 'opened':
      return { ...made, kind }
    case 'renamed':
      return title(room, ann, `title ${n}`)
    case 'described':
      return { ...made, kind, description: `about ${n}` }
    case 'invite.created':
      return { ...made, kind, inviteId: newId(), expiresAt: null, maxUses: 1 }
    case 'invite.revoked':
      return { ...made, kind, inviteId: newId() }
    case 'timer.changed':
      return { ...made, kind, disappearAfterMs: n * 1_000 }
    case 'message.pinned':
      return { ...made, kind, seq: 1, on: n % 2 === 0 }
    default:
      throw new Error(`unknown kind ${kind satisfies never}`)
  }
}
