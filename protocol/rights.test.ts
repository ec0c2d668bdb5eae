import assert from 'node:assert/strict'
import test from 'node:test'
import { ROLES } from './conversation.ts'
import { type Action, may, mayRemove } from './rights.ts'

test('whoever may do something as a member may do it as an admin, and as the owner', () => {
  const actions: Action[] = ['message.send', 'members.add', 'members.remove', 'members.role', 'details.change']
  for (const action of actions) {
    const allowed = ['member', 'admin', 'owner'].map((role) => may(role as 'member', 'group', action))
    assert.deepEqual(allowed, allowed.toSorted(), action)
  }
})

test('only the owner makes admins and hands the group over; admins lead it beside that', () => {
  assert.deepEqual(
    ROLES.filter((role) => may(role, 'group', 'members.role') || may(role, 'group', 'members.handOver')),
    ['owner'],
  )
  assert.deepEqual(
    ROLES.filter((role) => may(role, 'group', 'invites.manage')),
    ['owner', 'admin'],
  )
})

test('one removes who stands below, so nobody removes the owner and no admin another', () => {
  const pairs = ROLES.flatMap((role) => ROLES.filter((other) => mayRemove(role, other)).map((other) => [role, other]))
  assert.deepEqual(pairs, [
    ['owner', 'admin'],
    ['owner', 'member'],
    ['admin', 'member'],
  ])
})

test('in a direct conversation both may pin and set the timer, and nobody adds, removes or renames', () => {
  assert.ok(may('member', 'direct', 'message.pin'))
  assert.ok(may('member', 'direct', 'timer.change'))
  for (const action of ['members.add', 'members.remove', 'members.role', 'details.change', 'invites.manage'] as const)
    assert.ok(!may('owner', 'direct', action), action)
})
