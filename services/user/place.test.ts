import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf } from './place.ts'

test('a place is the network around an address, and not the address', () => {
  for (const [address, place] of [
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['127.0.0.1', '127.0.0.0/24'],
    ['2001:db8:85a3:8d3:1319:8a2e:370:7348', '2001:db8:85a3::/48'],
    ['2001:DB8::1', '2001:db8::/48'],
    ['2001:0:0:1::1', '2001::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['::1', '::/48'],
    ['1::', '1::/48'],
    ['unknown', undefined],
    ['', undefined],
    ['999.1.1.1', undefined],
  ] as const)
    assert.equal(placeOf(address), place, address)
})
