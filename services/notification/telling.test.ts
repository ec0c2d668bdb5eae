import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@parley/protocol/limits'
import type { StandingAsk } from '@parley/protocol/standing'
import { tellingOf } from './telling.ts'

const PAGE = 10

/** A conversation of `last` messages, the first five Ann's and the others Bob's; `apart` says who is kept apart from Ann. */
function chatOf(last: number, apart: (userId: string) => boolean) {
  const asked: StandingAsk[] = []
  return {
    asked,
    async standing(ask: StandingAsk) {
      asked.push(ask)
      const from = Math.max(ask.fromSeq, ask.toSeq - PAGE + 1)
      const seqs = Array.from({ length: ask.toSeq - from + 1 }, (_, n) => from + n)
      const messages = seqs.map((seq) => ({
        ...{ seq, sender: '', createdAt: '', text: '' },
        senderId: seq <= 5 ? 'ann' : 'bob',
      }))
      const hasAnn = messages.some(({ senderId }) => senderId === 'ann')
      const members = (ask.userIds ?? []).map((userId) => ({
        ...{ userId, fromSeq: 1, deliveredSeq: 0, readSeq: 0, level: 'all' as const, mutedUntil: null, active: false },
        ...(hasAnn && apart(userId) && { apart: ['ann'] }),
      }))
      return { kind: 'group' as const, title: '', headSeq: last, messages, members }
    },
  }
}

const watch = (toSeq: number) => ({ conversationId: 'c', fromSeq: 1, toSeq, epoch: 1, leaseUntil: 0 })

test('of very many members no more are asked about at once than may be, and each is answered of', async () => {
  const chat = chatOf(3, () => false)
  const userIds = Array.from({ length: 2 * LIMITS.idsPerCall + 1 }, (_, n) => `user-${n}`)
  const told = await tellingOf(chat, watch(3), userIds)
  assert.deepEqual(
    chat.asked.map((ask) => ask.userIds?.length),
    [LIMITS.idsPerCall, LIMITS.idsPerCall, 1],
  )
  assert.deepEqual(
    told.members.map(({ userId }) => userId),
    userIds,
  )
  assert.equal(told.messages.length, 3)
})

test('from whom one is kept apart is known of the senders on every page', async () => {
  const told = await tellingOf(
    chatOf(25, (userId) => userId === 'cy'),
    watch(25),
    ['cy', 'dee'],
  )
  assert.deepEqual(
    told.messages.map(({ seq }) => seq),
    Array.from({ length: 25 }, (_, n) => n + 1),
  )
  assert.deepEqual(
    told.members.map(({ userId, apart }) => [userId, apart]),
    [
      ['cy', ['ann']],
      ['dee', undefined],
    ],
  )
})
