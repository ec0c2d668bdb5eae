import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { aloneBus } from '@parley/kit/bus/alone.fixture'
import { openLog } from '@parley/kit/log'
import type { AlertNews } from '@parley/protocol/alert'
import type { ContactPair } from '@parley/protocol/contact'
import type { ChangeEntry } from '@parley/protocol/conversation'
import type { BusEvent } from '@parley/protocol/events'
import type { Standing, StandingMember, StandingMessage } from '@parley/protocol/standing'
import { sqliteStore } from '../store/sqlite.ts'
import { openAlerts } from './alerts.ts'

const [ANN, BOB, GROUP] = [randomUUID(), randomUUID(), randomUUID()]
const AT = new Date().toISOString()

test('that one left is told late, and takes nothing of what came since one is back', async (t) => {
  const { chat, take, list } = await open(t)
  chat.members = [member({ fromSeq: 8 })]
  chat.messages = [message(9, { mentions: [BOB] })]
  await take(entry({ kind: 'members.added', rev: 12, headSeq: 7, userIds: [BOB] }))
  await take(addressed(9))
  await take(entry({ kind: 'members.removed', rev: 11, headSeq: 7, userIds: [BOB] }))
  assert.deepEqual(await list(), ['group.added', 'mention 9'])
  await take(entry({ kind: 'members.added', rev: 4, headSeq: 2, userIds: [BOB] }))
  assert.deepEqual(await list(), ['group.added', 'mention 9'], 'nor is an earlier time told beside')
  await take(entry({ kind: 'members.removed', rev: 14, headSeq: 9, userIds: [BOB] }))
  assert.deepEqual(await list(), [])
})

test('who leaves while an alert is made keeps none, whichever is written first', async (t) => {
  const { chat, take, list } = await open(t)
  chat.members = [member({ fromSeq: 1 })]
  chat.messages = [message(9, { mentions: [BOB] })]
  // Membership is asked for twice before the alert is written, and the removal comes then.
  chat.after(2, () => {
    chat.members = []
  })
  await take(addressed(9))
  assert.deepEqual(await list(), [])
  chat.members = [member({ fromSeq: 1 })]
  chat.after(1, () => {
    chat.members = [member({ fromSeq: 12 })]
  })
  await take(entry({ kind: 'members.added', rev: 4, headSeq: 2, userIds: [BOB] }))
  await take(addressed(9))
  assert.deepEqual(await list(), ['group.added'], 'what was before one came back is not there')
})

test('a reaction to what one said before one was brought in again takes nothing of what came since', async (t) => {
  const { chat, take, list } = await open(t)
  chat.members = [member({ fromSeq: 8 })]
  await take(entry({ kind: 'members.added', rev: 12, headSeq: 7, userIds: [BOB] }))
  chat.messages = [message(5, { senderId: BOB, reactions: [{ emoji: '👍', userIds: [ANN] }] })]
  await take(entry({ kind: 'message.reacted', rev: 20, headSeq: 9, seq: 5, emoji: '👍', on: true }))
  chat.members = [member({ fromSeq: 1 })]
  chat.after(2, () => {
    chat.members = [member({ fromSeq: 8 })]
  })
  chat.messages = [message(6, { mentions: [BOB] })]
  await take(addressed(6))
  assert.deepEqual(await list(), ['group.added'])
})

test('reactions that are looked at while their message is deleted leave no alert', async (t) => {
  const { chat, take, list } = await open(t)
  chat.members = [member({ fromSeq: 1 })]
  const reactions = [{ emoji: '👍', userIds: [ANN] }]
  chat.messages = [message(9, { senderId: BOB, reactions })]
  chat.after(2, () => {
    chat.messages = [message(9, { senderId: BOB, text: '', gone: true })]
  })
  await take(entry({ kind: 'message.reacted', rev: 10, headSeq: 9, seq: 9, emoji: '👍', on: true }))
  assert.deepEqual(await list(), [])
})

test('who reacted last is named first, though an earlier reaction is told once more before that is', async (t) => {
  const { chat, take, actors } = await open(t)
  const cleo = randomUUID()
  chat.members = [member({ fromSeq: 1 })]
  const [anns, cleos] = [
    { emoji: '👍', userIds: [ANN] },
    { emoji: '🎉', userIds: [cleo] },
  ]
  const first = entry({ kind: 'message.reacted', rev: 10, headSeq: 9, seq: 9, emoji: '👍', on: true })
  const last = entry({
    ...{ kind: 'message.reacted', senderId: cleo, rev: 12, headSeq: 9, seq: 9, emoji: '🎉', on: true },
  })
  chat.messages = [message(9, { senderId: BOB, reactions: [anns] })]
  await take(first)
  chat.messages = [message(9, { senderId: BOB, reactions: [anns, cleos] })]
  await take(first)
  await take(last)
  assert.deepEqual(await actors(), [['🎉', cleo, ANN]])
  await take(first)
  assert.deepEqual(await actors(), [['🎉', cleo, ANN]])
})

test('a block that is told late takes no request that came after it', async (t) => {
  const { take, list } = await open(t)
  await take(met(8, 'incoming', false))
  await take(met(5, 'none', true))
  assert.deepEqual(await list(), ['contact.requested'])
  await take(met(9, 'none', true))
  assert.deepEqual(await list(), [])
})

test('where a request and its acceptance are told at once, who asked hears of it, and who accepted of nothing', async (t) => {
  const { take, list } = await open(t)
  const listed = async () => [await list(BOB), await list(ANN)]
  await take(friends(2, BOB))
  assert.deepEqual(await listed(), [[], ['contact.accepted']])
  await take(met(1, 'incoming', false))
  assert.deepEqual(await listed(), [[], ['contact.accepted']], 'nor of the request, which comes after it')
  await take(met(3, 'incoming', false))
  await take(friends(5, ANN))
  assert.deepEqual(
    await listed(),
    [['contact.accepted'], []],
    'it was withdrawn, and the other asked, before that was told',
  )
})

test('what was taken out is told again when the event comes again, so that devices look', async (t) => {
  const { chat, take, told } = await open(t)
  chat.members = [member({ fromSeq: 1 })]
  chat.messages = [message(9, { mentions: [BOB] })]
  await take(addressed(9))
  const left = entry({ kind: 'members.removed', rev: 11, headSeq: 9, userIds: [BOB] })
  await take(left)
  const [, first] = told
  assert.deepEqual([first?.rev, first?.unread, first?.gone?.length], [2, 0, 1])
  await take(left)
  assert.deepEqual(told[2], { rev: 2, unread: 0 })
})

test('of who was deleted nothing is kept, however late something of theirs is told', async (t) => {
  const { there, chat, take, list, told } = await open(t)
  chat.members = [member({ fromSeq: 1 })]
  chat.messages = [message(9, { mentions: [BOB] })]
  there.delete(BOB)
  await take(addressed(9))
  await take({
    ...envelope(BOB, 1),
    type: 'security.noted',
    data: {
      ...{ kind: 'session.started', userId: BOB, at: AT, sessionId: randomUUID(), device: 'Phone' },
      ...{ username: 'bob', email: 'bob@example.org' },
    },
  })
  assert.deepEqual([await list(), told], [[], []])
})

/** Alerts on a store of their own, with a chat service that answers what the test says. */
async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-alerts-'))
  const bus = aloneBus({ log: openLog('alerts', 'silent') })
  const { alerts: store, ...rest } = sqliteStore(join(folder, 'notification.db'))
  const there = new Set<string>([ANN, BOB])
  const told: AlertNews[] = []
  await bus.listen(['alerts.changed'], (event) => {
    if (event.type === 'alerts.changed') told.push(event.data)
  })
  let then: { asked: number; act: () => void } | undefined
  const chat = {
    members: [] as StandingMember[],
    messages: [] as StandingMessage[],
    /** Does that when it has answered so many questions. */
    after(asked: number, act: () => void): void {
      then = { asked, act }
    },
  }
  const taking = await openAlerts({
    store,
    bus,
    users: { find: async (ids) => ids.filter((id) => there.has(id)).map((id) => ({ id, username: '' })) },
    alerted: async () => {},
    chat: {
      async standing({ userIds }) {
        const { members, messages } = chat
        if (then && --then.asked === 0) then.act()
        const those = members.filter(({ userId }) => !userIds || userIds.includes(userId))
        return { kind: 'group', title: 'Tea', headSeq: 20, messages, members: those } satisfies Standing
      },
    },
  })
  t.after(async () => {
    await taking[Symbol.asyncDispose]()
    await bus[Symbol.asyncDispose]()
    await rest[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  return {
    chat,
    there,
    told,
    take: (event: BusEvent) => bus.publish(event),
    actors: async () => (await store.list(BOB, undefined, 10)).map(({ emoji, actors }) => [emoji, ...actors]),
    list: async (userId = BOB) =>
      (await store.list(userId, undefined, 10)).map(({ kind, seq }) => [kind, seq].filter(Boolean).join(' ')).sort(),
  }
}

const member = (some: Partial<StandingMember>): StandingMember => ({
  ...{ userId: BOB, fromSeq: 1, deliveredSeq: 0, readSeq: 0, level: 'all', mutedUntil: null, active: false },
  ...some,
})

const message = (seq: number, some: Partial<StandingMessage>): StandingMessage => ({
  ...{ seq, senderId: ANN, sender: 'ann', createdAt: AT, text: 'so' },
  ...some,
})

const envelope = (key: string, rev: number) => ({ id: randomUUID(), version: 1 as const, occurredAt: AT, key, rev })

const addressed = (seq: number): BusEvent => ({
  ...envelope(GROUP, 1),
  type: 'messages.addressed',
  data: { conversationId: GROUP, seqs: [seq] },
})

const entry = (facts: object): BusEvent => ({
  ...envelope(GROUP, 1),
  type: 'conversation.changed',
  data: { conversationId: GROUP, senderId: ANN, createdAt: AT, membersRev: 1, ...facts } as ChangeEntry,
})

function met(rev: number, status: 'incoming' | 'none', blocks: boolean): BusEvent {
  const side = (userId: string, own: 'incoming' | 'outgoing' | 'none', blocks: boolean) => ({
    ...{ userId, blocks, tell: true },
    view: { status: own, blocked: blocks, rev, changedAt: AT },
  })
  const [bobs, anns] = [side(BOB, status, blocks), side(ANN, status === 'none' ? 'none' : 'outgoing', false)]
  return { ...envelope('pair', rev), type: 'contact.changed', data: { low: bobs, high: anns } as ContactPair }
}

/** They became friends when `accepter` accepted what the other had asked. */
function friends(rev: number, accepter: string): BusEvent {
  const view = { status: 'friends', blocked: false, rev, changedAt: AT } as const
  const side = (userId: string) => ({
    ...{ userId, blocks: false, tell: true, view },
    ...(userId === accepter && { accepted: true as const }),
  })
  return { ...envelope('pair', rev), type: 'contact.changed', data: { low: side(BOB), high: side(ANN) } }
}
