import { type Operation, SIGNED_IN } from '../operation.ts'
import { MessageVersions, SendReply } from '../replies.ts'
import { EditMessage } from '../requests.ts'

/** What they have in common: each is an entry of the log, and is answered with its place. */
const change = {
  tag: 'Messages',
  who: 'Member',
  idempotencyKey: 'UUID',
  replies: { 200: SendReply },
  faults: [...SIGNED_IN, 'not_found', 'action.forbidden', 'idempotency.mismatch', 'rate.limited'],
} as const satisfies Partial<Operation>

const path = '/api/conversations/{id}/messages/{seq}'

/** What members do with messages that were sent. */
export const AMENDMENT_OPERATIONS: readonly Operation[] = [
  {
    ...change,
    name: 'editMessage',
    method: 'patch',
    path,
    summary: 'Edit one’s message',
    body: EditMessage,
  },
  {
    ...change,
    name: 'deleteMessage',
    method: 'delete',
    path,
    summary: 'Delete a message for everyone',
    description: 'The right of its author, and of those who lead the group. Its place is left.',
  },
  { ...change, name: 'react', method: 'put', path: `${path}/reactions/{emoji}`, summary: 'React to a message' },
  {
    ...change,
    name: 'takeBackReaction',
    method: 'delete',
    path: `${path}/reactions/{emoji}`,
    summary: 'Take a reaction back',
  },
  {
    name: 'getVersions',
    method: 'get',
    path: `${path}/history`,
    tag: 'Messages',
    summary: 'Every version of one’s message, the first one first',
    who: 'Member',
    replies: { 200: MessageVersions },
    faults: [...SIGNED_IN, 'not_found', 'action.forbidden', 'rate.limited'],
  },
]
