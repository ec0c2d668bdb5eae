import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALERT_KINDS, type AlertItem } from '@parley/protocol/alert'
import { placeOf, sentenceOf } from './words.ts'

const alert = (some: Partial<AlertItem>): AlertItem => ({
  ...{ id: 'a', kind: 'mention', at: '2026-01-01T00:00:00.000Z', read: false, actors: [], actorCount: 1 },
  ...some,
})

test('an alert says who did what, and where, as far as one is there', () => {
  assert.equal(sentenceOf(alert({}), ['Ann'], 'Tea'), 'Ann mentioned you in Tea')
  assert.equal(sentenceOf(alert({}), ['Ann'], undefined), 'Ann mentioned you')
  const reaction = { kind: 'reaction', emoji: '👍' } as const
  assert.equal(sentenceOf(alert({ ...reaction }), ['Ann'], undefined), 'Ann reacted 👍 to your message')
  const two = sentenceOf(alert({ ...reaction, actorCount: 2 }), ['Ann', 'Ben'], 'Tea')
  assert.equal(two, 'Ann and Ben reacted 👍 to your message in Tea')
  const many = sentenceOf(alert({ ...reaction, actorCount: 3 }), ['Ann', 'Ben', 'Cleo'], undefined)
  assert.equal(many, 'Ann and 2 others reacted 👍 to your message')
  for (const kind of ALERT_KINDS)
    assert.match(sentenceOf(alert({ kind, device: 'Phone' }), ['Ann'], undefined), /^\S.*\S$/)
})

test('an alert leads to its message, to one’s contacts, or to one’s devices', () => {
  assert.deepEqual(placeOf(alert({ conversationId: 'c', seq: 7 })), { conversationId: 'c', seq: 7 })
  assert.deepEqual(placeOf(alert({ kind: 'group.added', conversationId: 'c' })), { conversationId: 'c' })
  assert.equal(placeOf(alert({ kind: 'contact.requested' })), 'contacts')
  assert.equal(placeOf(alert({ kind: 'password.changed' })), 'devices')
})
