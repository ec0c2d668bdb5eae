import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf } from './packet.ts'

const read = (text: string) => eventOf(Buffer.from(text))

test('an event is read with its arguments and its ack number', () => {
  assert.deepEqual(read('42["a",{"b":"ü😀\\u2028"}]'), { packet: ['a', { b: 'ü😀\u2028' }], ack: undefined })
  assert.deepEqual(read('420["a"]'), { packet: ['a'], ack: '0' })
  assert.deepEqual(read('42123456789012345["a",1,2]'), { packet: ['a', 1, 2], ack: '123456789012345' })
})

test('anything else is left to Socket.IO', () => {
  for (const text of [
    '',
    '2',
    '4',
    '42',
    '40{}',
    '41',
    '43["a"]',
    '44{}',
    '451-["a",{"_placeholder":true,"num":0}]',
    '42/admin,["a"]',
    '42-1["a"]',
    '4201["a"]',
    '421234567890123456["a"]',
    '421e3["a"]',
    '42 ["a"]',
    '42["a"',
    '42["a"]]',
    '42[]',
    '42[1]',
    '42[null]',
    '42{"a":1}',
    '42["connect"]',
    '42["disconnect",{}]',
  ])
    assert.equal(read(text), undefined, text)
})
