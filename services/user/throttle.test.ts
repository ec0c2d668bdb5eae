import assert from 'node:assert/strict'
import { test } from 'node:test'
import { USER_LIMITS } from './config.ts'
import { network, openThrottle } from './throttle.ts'

const limited = { code: 'rate.limited' }
const MINUTE = 60_000
const owner = '198.51.100.7'

test('guessing at one account from one address is refused after a while, and the window is never extended', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] })
  const throttle = openThrottle({ ...USER_LIMITS, signInFailuresPerAccountAndAddress: 10 })
  for (let i = 0; i < 10; i++) await throttle.signIn('ann@example.org', '203.0.113.1')
  await assert.rejects(throttle.signIn('ann@example.org', '203.0.113.1'), limited)
  await throttle.signIn('ben@example.org', '203.0.113.1')
  t.mock.timers.tick(4 * MINUTE)
  for (let i = 0; i < 100; i++) await assert.rejects(throttle.signIn('ann@example.org', '203.0.113.1'), limited)
  t.mock.timers.tick(MINUTE + 1)
  await throttle.signIn('ann@example.org', '203.0.113.1')
})

test('an attempt that could not be looked at is no guess', async () => {
  const limits = {
    ...USER_LIMITS,
    signInFailuresPerAccountAndAddress: 2,
    signInFailuresPerAddress: 2,
    signInFailuresPerAccount: 2,
  }
  const throttle = openThrottle(limits)
  for (let outage = 0; outage < 10; outage++) await (await throttle.signIn('ann@example.org', owner)).undecided()
  await (await throttle.signIn('ann@example.org', owner)).succeeded()
})

test('a refusal says when to come again', async () => {
  const throttle = openThrottle({ ...USER_LIMITS, lookUpsPerUser: 1 })
  await throttle.lookUp('ann')
  const refusal = await throttle.lookUp('ann').catch((error) => error)
  assert.equal(refusal.code, 'rate.limited')
  assert.ok(refusal.retryAfterMs > 0 && refusal.retryAfterMs <= MINUTE)
})

test('a crowd that guesses at one account is refused, and its owner still gets in', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] })
  const throttle = openThrottle(USER_LIMITS)
  await (await throttle.signIn('ann@example.org', owner)).succeeded()
  let refused = 0
  for (let i = 0; i < 1000; i++) {
    const attempt = throttle.signIn('ann@example.org', `203.0.${i >> 8}.${i & 255}`)
    await attempt.catch(() => refused++)
  }
  assert.equal(refused, 1000 - USER_LIMITS.signInFailuresPerAccount)
  await (await throttle.signIn('ann@example.org', owner)).succeeded()
  await assert.rejects(throttle.signIn('ann@example.org', '192.0.2.1'), limited, 'a new place has to wait')
  t.mock.timers.tick(15 * MINUTE + 1)
  await (await throttle.signIn('ann@example.org', '192.0.2.1')).succeeded()
})

test('one address that guesses at many accounts is refused', async () => {
  const throttle = openThrottle(USER_LIMITS)
  let refused = 0
  for (let i = 0; i < 1000; i++) await throttle.signIn(`user${i}@example.org`, '203.0.113.1').catch(() => refused++)
  assert.equal(refused, 1000 - USER_LIMITS.signInFailuresPerAddress)
  await throttle.signIn('user1@example.org', '203.0.113.2')
})

test('an office behind one address signs in without being counted', async () => {
  const throttle = openThrottle(USER_LIMITS)
  for (let i = 0; i < 1000; i++) await (await throttle.signIn(`user${i}@example.org`, '203.0.113.1')).succeeded()
})

test('even right passwords do not make sessions without end', async () => {
  const throttle = openThrottle({ ...USER_LIMITS, devicesPerUser: 1 })
  for (let i = 0; i < 15; i++) await (await throttle.signIn('ann@example.org', owner)).succeeded()
  const next = await throttle.signIn('ann@example.org', owner)
  await assert.rejects(next.succeeded(), limited)
})

test('addresses are counted by what one party holds', () => {
  assert.equal(network('203.0.113.1'), '203.0.113.1')
  assert.equal(network('::ffff:203.0.113.1'), '203.0.113.1')
  assert.equal(network('2001:db8:1:2:3:4:5:6'), network('2001:DB8:1:2::9'))
  assert.equal(network('2001:db8::1'), '2001:db8:0:0::/64')
  assert.equal(network('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(network('::1'), '0:0:0:0::/64')
  assert.notEqual(network('2001:db8:1:2::1'), network('2001:db8:1:3::1'))
  assert.equal(network('unknown'), 'unknown')
})
