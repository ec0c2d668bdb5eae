import { type Operation, SIGNED_IN } from '../operation.ts'
import { ConversationItem, Pins, SendReply } from '../replies.ts'
import { SetTimer } from '../requests.ts'

const pin = {
  path: '/api/conversations/{id}/messages/{seq}/pin',
  tag: 'Messages',
  who: 'Member',
  idempotencyKey: 'UUID',
  replies: { 200: SendReply },
  faults: [...SIGNED_IN, 'not_found', 'action.forbidden', 'idempotency.mismatch', 'rate.limited'],
} as const satisfies Partial<Operation>

/** What is kept in sight of everybody, and what is not kept. */
export const KEEPING_OPERATIONS: readonly Operation[] = [
  {
    ...pin,
    name: 'pinMessage',
    method: 'put',
    summary: 'Pin a message for everybody',
    description: 'In a group the right of those who lead it. At most 50; one that is pinned again stands last.',
  },
  { ...pin, name: 'unpinMessage', method: 'delete', summary: 'Unpin a message' },
  {
    name: 'listPins',
    method: 'get',
    path: '/api/conversations/{id}/pins',
    tag: 'Messages',
    summary: 'The pinned messages, as they are now',
    who: 'Member',
    replies: { 200: Pins },
    faults: [...SIGNED_IN, 'not_found', 'rate.limited'],
  },
  {
    name: 'setTimer',
    method: 'put',
    path: '/api/conversations/{id}/timer',
    tag: 'Conversations',
    summary: 'Let messages disappear after a time, or stay',
    description:
      'Holds for what is sent from then on, 1 hour to 366 days after it was sent. In a group the right of those who lead it.',
    who: 'Member',
    body: SetTimer,
    replies: { 200: ConversationItem },
    faults: [...SIGNED_IN, 'not_found', 'action.forbidden', 'idempotency.mismatch', 'rate.limited'],
  },
]
