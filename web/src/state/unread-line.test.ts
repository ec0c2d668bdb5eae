import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unreadLine } from './unread-line.ts'

test('a conversation with unread messages opens with the line under what was read', () => {
  assert.equal(unreadLine(undefined, { type: 'opened', readSeq: 7, unread: 3 }), 7)
  assert.equal(unreadLine(undefined, { type: 'opened', readSeq: 7, unread: 0 }), undefined)
})

test('what comes in under the eyes of the reader gets no line', () => {
  assert.equal(unreadLine(undefined, { type: 'arrived', readSeq: 7, headBefore: 7, seen: true }), undefined)
})

test('what comes in while the reader is away is below a line', () => {
  assert.equal(unreadLine(undefined, { type: 'arrived', readSeq: 7, headBefore: 7, seen: false }), 7)
})

test('the line stays where it is until everything was read, then moves to what is new', () => {
  assert.equal(unreadLine(3, { type: 'arrived', readSeq: 5, headBefore: 9, seen: false }), 3)
  assert.equal(unreadLine(3, { type: 'arrived', readSeq: 9, headBefore: 9, seen: false }), 9)
})

test('answering takes the line away', () => {
  assert.equal(unreadLine(3, { type: 'sent' }), undefined)
})
