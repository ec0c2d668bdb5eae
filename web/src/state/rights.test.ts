import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationView } from '@parley/sdk/types'
import { messageRights } from './rights.ts'
import type { Row } from './rows.ts'

test('an author edits and deletes, a group’s owner deletes, and with what is deleted or not sent yet nothing is done', () => {
  const [group, own] = [conversation('group', 'member'), conversation('group', 'owner')]
  assert.deepEqual(messageRights(group, row({ mine: true })), { edit: true, delete: true })
  assert.deepEqual(messageRights(group, row({})), { edit: false, delete: false })
  assert.deepEqual(messageRights(own, row({})), { edit: false, delete: true })
  assert.deepEqual(messageRights(conversation('direct', 'member'), row({})), { edit: false, delete: false })
  assert.equal(messageRights(own, row({ mine: true, deleted: true })), undefined)
  const { seq: _, ...waiting } = row({ mine: true })
  assert.equal(messageRights(own, waiting), undefined)
})

function conversation(kind: 'direct' | 'group', role: 'member' | 'owner'): ConversationView {
  return { kind, me: { role } } as ConversationView
}

function row(facts: Partial<Row>): Row {
  const alone = { newDay: false, firstUnread: false, first: true, last: true }
  return {
    id: 'm',
    seq: 1,
    senderId: 'u',
    sender: 'u',
    mine: false,
    text: 'x',
    at: '',
    status: 'sent',
    ...alone,
    ...facts,
  }
}
