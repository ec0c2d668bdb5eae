import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceError } from '@parley/sdk/error'
import { strings } from '../strings.ts'
import { deviceName } from './device-name.ts'
import { checkLogin, checkRegister, checkTitle } from './forms.ts'
import { checkText } from './message-text.ts'
import { explain, fieldErrors } from './problems.ts'
import { typingLine, typingSignal } from './typing.ts'

test('blank text cannot be sent, any other can', () => {
  for (const blank of ['', ' ', '\n\t ', '\u200b\u2066']) assert.equal(checkText(blank).sendable, false)
  for (const text of ['a', ' 0 ', '👋', 'שלום']) assert.equal(checkText(text).sendable, true)
})

test('the writer is told near the end of 10,000 characters, and stopped above it', () => {
  assert.equal(checkText('a'.repeat(9_000)).note, undefined)
  assert.equal(checkText('a'.repeat(9_990)).note, '10 characters left')
  assert.equal(checkText('a'.repeat(10_000)).sendable, true)
  const over = checkText('a'.repeat(10_003))
  assert.deepEqual([over.sendable, over.over, over.note], [false, true, '3 characters too many'])
})

test('an emoji counts as one character, and no text of 40 KB passes', () => {
  assert.equal(checkText('👋'.repeat(9_990)).note, '10 characters left')
  assert.equal(checkText('👋'.repeat(10_000)).sendable, true)
  assert.equal(checkText('👩‍👩‍👧'.repeat(2_001)).sendable, false)
})

test('who types and then touches no key for five seconds has stopped, and stops once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: boolean[] = []
  const signal = typingSignal((on) => told.push(on))
  signal.stopped()
  assert.deepEqual(told, [])
  signal.typed()
  t.mock.timers.tick(4_000)
  signal.typed()
  t.mock.timers.tick(4_000)
  assert.deepEqual(told, [true, true])
  t.mock.timers.tick(1_000)
  signal.stopped()
  assert.deepEqual(told, [true, true, false])
})

test('the typing line names whom it knows', () => {
  const members = ['Ann', 'Bob', 'Eve'].map((username) => ({ userId: username, username, role: 'member' as const }))
  assert.equal(typingLine([], members), undefined)
  assert.equal(typingLine(['Bob'], members), 'Bob is typing…')
  assert.equal(typingLine(['Bob', 'Eve'], members), 'Bob and Eve are typing…')
  assert.equal(typingLine(['Ann', 'Bob', 'Eve'], members), 'Several people are typing…')
  assert.equal(typingLine(['stranger'], members), 'Someone is typing…')
})

test('a form says what is wrong before the server is asked', () => {
  assert.deepEqual(checkRegister({ username: 'ann', email: 'ann@example.org', password: 'long enough' }), {})
  assert.deepEqual(Object.keys(checkRegister({ username: 'a b', email: 'nobody', password: 'short' })), [
    'username',
    'email',
    'password',
  ])
  assert.deepEqual(checkRegister({ username: 'żółw_山', email: 'ż@ż.pl', password: '12345678' }), {})
  assert.deepEqual(Object.keys(checkLogin({ email: ' ', password: '' })), ['email', 'password'])
  assert.equal(checkTitle('Team'), undefined)
  assert.equal(checkTitle('  '), strings.check.title)
  assert.equal(checkTitle('x'.repeat(101)), strings.check.titleTooLong)
})

test('a refusal is explained in our words, and at its field where it has one', () => {
  assert.equal(explain(deviceError('rate.limited', 'slow down')), strings.problem.rateLimited)
  assert.equal(explain(deviceError('validation.failed', 'title: too long')), 'title: too long')
  assert.equal(explain(new TypeError('a bug')), strings.problem.unknown)
  assert.deepEqual(fieldErrors(deviceError('name.taken', '')), { username: strings.problem.nameTaken })
  assert.deepEqual(fieldErrors(deviceError('email.taken', '')), { email: strings.problem.emailTaken })
  const refused = deviceError('validation.failed', 'no')
  refused.problem.errors = [{ pointer: '/password', detail: 'must have at least 8 characters' }]
  assert.deepEqual(fieldErrors(refused), { password: 'must have at least 8 characters' })
})

test('a browser names itself until its user does', () => {
  const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
  assert.equal(deviceName(agent), 'Chrome on Linux')
  assert.equal(
    deviceName(agent.replace('Chrome/156.0.0.0 Safari/537.36', 'Chrome/156.0 Safari/537 Edg/156.0')),
    'Edge on Linux',
  )
  assert.equal(deviceName('curl/8'), 'Browser')
})
