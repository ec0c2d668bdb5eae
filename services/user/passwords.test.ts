import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPasswords } from './passwords.ts'
import { workOf } from './service.fixture.ts'

const pepper = Buffer.alloc(32, 7)
const passwords = openPasswords(pepper, 4)

test('a password is known again, and kept as bcrypt of the configured cost', async () => {
  const kept = await passwords.hash('securePass123')
  assert.match(kept, /^\$2b\$04\$.{53}$/)
  assert.equal(await passwords.verify('securePass123', kept), true)
  assert.equal(await passwords.verify('securePass124', kept), false)
})

test('passwords that share their first 72 bytes are different passwords', async () => {
  for (const shared of ['x'.repeat(72), '😀'.repeat(18)]) {
    const kept = await passwords.hash(`${shared}a`)
    assert.equal(await passwords.verify(`${shared}a`, kept), true)
    assert.equal(await passwords.verify(`${shared}b`, kept), false)
    assert.equal(await passwords.verify(shared, kept), false)
  }
})

test('a password counts exactly as given', async () => {
  for (const [one, other] of [
    ['pass\u0000word1', 'pass\u0000word2'],
    ['password', 'password '],
    ['password', 'Password'],
    ['caf\u00e9caf\u00e9', 'cafe\u0301cafe\u0301'],
  ] as const) {
    const kept = await passwords.hash(one)
    assert.equal(await passwords.verify(one, kept), true)
    assert.equal(await passwords.verify(other, kept), false, JSON.stringify(other))
  }
})

test('without the pepper a hash is of no use', async () => {
  const kept = await passwords.hash('securePass123')
  assert.equal(await openPasswords(Buffer.alloc(32, 8), 4).verify('securePass123', kept), false)
})

test('no account costs the same work as a wrong password', async () => {
  const costly = openPasswords(pepper, 8)
  const kept = await costly.hash('securePass123')
  const [known, unknown] = await workOf(
    () => costly.verify('wrong password', kept),
    () => costly.verify('wrong password', undefined),
  )
  assert.equal(await costly.verify('wrong password', undefined), false)
  assert.ok(known / unknown > 0.7 && known / unknown < 1.4, `${known} ms and ${unknown} ms`)
})

test('a crowd waits its turn, and beyond the queue is asked to come again', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 230 }, () => passwords.verify('x', undefined)))
  const refused = outcomes.filter((each) => each.status === 'rejected')
  assert.equal(refused.length, 230 - 202)
  assert.equal(refused[0]?.reason.code, 'unavailable')
  assert.equal(refused[0]?.reason.retryAfterMs, 3_000)
  assert.equal(await passwords.verify('x', undefined), false, 'and afterwards it works as before')
})
