import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  AVATAR_COLOURS,
  colourOf,
  initialsOf,
  maySee,
  NEW_PROFILE,
  type Profile,
  seenOf,
  VISIBILITIES,
  withProfileChange,
} from './profile.ts'

test('a name has its first letters in any script, whole', () => {
  const names = ['bob', 'éva Ördög', '山田', '  ', '👩‍👩‍👧 family', '👩‍👩‍👧', 'Ann Mary Lee', 'ann_lee', 'é x', '...']
  assert.deepEqual(names.map(initialsOf), ['B', 'ÉÖ', '山', '?', 'F', '👩‍👩‍👧', 'AL', 'AL', 'ÉX', '?'])
})

test('a colour is the chosen one, or always the same for one id', () => {
  assert.equal(colourOf('some-id'), colourOf('some-id', null))
  assert.deepEqual([colourOf('some-id', 0), colourOf('some-id', 11)], [0, 11])
  fc.assert(fc.property(fc.uuid(), (id) => colourOf(id) >= 0 && colourOf(id) < AVATAR_COLOURS))
})

test('owners see all of it, and friends whatever others do', () => {
  for (const visibility of VISIBILITIES) {
    assert.equal(maySee('owner', visibility), true)
    if (maySee('other', visibility)) assert.equal(maySee('friend', visibility), true)
  }
  const hidden: Profile = {
    ...NEW_PROFILE,
    bio: 'x',
    status: { text: 'y', expiresAt: '2026-01-01T00:00:00.000Z' },
    visibility: { bio: 'nobody', status: 'friends', lastSeen: 'nobody' },
  }
  const [before, after] = [new Date('2025-12-31T23:59:59.999Z'), new Date('2026-01-01T00:00:00.000Z')]
  assert.deepEqual(seenOf(hidden, 'friend', before), { status: hidden.status })
  assert.deepEqual(seenOf(hidden, 'friend', after), {})
  assert.deepEqual(seenOf(hidden, 'other', before), {})
})

test('what changes nothing gives the same profile, and changes of different fields do not touch each other', () => {
  const set = withProfileChange(NEW_PROFILE, { bio: 'a', visibility: { bio: 'friends' } })
  assert.equal(withProfileChange(set, { bio: 'a', visibility: { bio: 'friends', status: undefined } }), set)
  assert.deepEqual(withProfileChange(set, { status: { text: 'b' }, colour: 0 }), {
    ...set,
    status: { text: 'b' },
    colour: 0,
  })
  assert.equal(withProfileChange(set, { displayName: null, status: null }), set)
})
