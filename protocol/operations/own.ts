import { type Operation, SIGNED_IN } from '../operation.ts'
import { OwnChanged, OwnPage, StarredPage } from '../replies.ts'
import { ChangeOwn, OwnQuery, StarredQuery } from '../requests.ts'

const tag = 'Messages'
const message = '/api/conversations/{id}/messages/{seq}'

/** What they have in common: nobody else is told, and a repeat changes nothing. */
const change = {
  tag,
  who: 'Member',
  replies: { 200: OwnChanged },
  faults: [...SIGNED_IN, 'not_found', 'action.forbidden', 'rate.limited'],
} as const satisfies Partial<Operation>

/** What members make of messages for themselves. */
export const OWN_OPERATIONS: readonly Operation[] = [
  { ...change, name: 'starMessage', method: 'put', path: `${message}/star`, summary: 'Star a message' },
  { ...change, name: 'unstarMessage', method: 'delete', path: `${message}/star`, summary: 'Take the star back' },
  {
    ...change,
    name: 'hideMessage',
    method: 'delete',
    path: `${message}/mine`,
    summary: 'Delete a message for oneself',
    description: 'One’s own devices show it no more. It stays for everybody else, in the log, and counts as before.',
  },
  { ...change, name: 'showMessage', method: 'put', path: `${message}/mine`, summary: 'Take that back' },
  {
    ...change,
    name: 'changeOwn',
    method: 'post',
    path: '/api/conversations/{id}/own',
    summary: 'Star or hide several messages at once',
    description: 'All of them or none. What is not given stays as it is.',
    body: ChangeOwn,
  },
  {
    name: 'readOwn',
    method: 'get',
    path: '/api/conversations/{id}/own',
    tag,
    summary: 'What one starred and hid, above a `rev`',
    description: 'For a device that was away: `me.ownRev` of the conversation says that there is something to fetch.',
    who: 'Member',
    query: OwnQuery,
    replies: { 200: OwnPage },
    faults: [...SIGNED_IN, 'not_found', 'rate.limited'],
  },
  {
    name: 'listStarred',
    method: 'get',
    path: '/api/starred',
    tag,
    summary: 'What one has starred, the latest first',
    description:
      'Of the conversations that one is in, as the messages are now. A page may be short, or empty, where another follows.',
    who: 'Signed in',
    query: StarredQuery,
    replies: { 200: StarredPage },
    faults: [...SIGNED_IN, 'cursor.expired', 'rate.limited'],
  },
]
