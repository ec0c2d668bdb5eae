import assert from 'node:assert/strict'
import test from 'node:test'
import type { Link } from './connection.ts'
import { openTyping } from './typing.ts'

test('who says nothing more is taken to have stopped after six seconds', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: [string, boolean][] = []
  const typing = openTyping((_, userId, on) => told.push([userId, on]))
  typing.heard('c', 'ann', true)
  t.mock.timers.tick(4_000)
  typing.heard('c', 'ann', true)
  t.mock.timers.tick(4_000)
  assert.deepEqual(typing.in('c'), ['ann'])
  t.mock.timers.tick(2_000)
  assert.deepEqual(typing.in('c'), [])
  assert.deepEqual(told, [
    ['ann', true],
    ['ann', false],
  ])
})

test('typing is said once in a while, and that it stopped only if it was said', () => {
  const said: string[] = []
  const link: Link = {
    serverTime: new Date().toISOString(),
    gone: new AbortController().signal,
    cut: () => {},
    call: (event) => {
      said.push(event)
      return new Promise(() => {})
    },
  }
  const typing = openTyping(() => {})
  typing.set('c', false, link)
  typing.set('c', true, undefined)
  typing.set('c', true, link)
  typing.set('c', true, link)
  typing.set('c', false, link)
  typing.set('c', false, link)
  assert.deepEqual(said, ['typing.start', 'typing.stop'])
})
