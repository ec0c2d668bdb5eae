import { type Operation, SIGNED_IN } from '../operation.ts'
import { ContactItem, ContactPage } from '../replies.ts'
import { ContactsQuery } from '../requests.ts'

/** What they have in common: each may be repeated, and is answered with how things then stand. */
const change = {
  tag: 'Contacts',
  who: 'Signed in',
  replies: { 200: ContactItem },
  faults: [...SIGNED_IN, 'origin.refused', 'not_found', 'action.forbidden', 'rate.limited'],
} as const satisfies Partial<Operation>

const path = '/api/user/contacts/{userId}'

/** Friendships, requests for them, and blocks. */
export const CONTACT_OPERATIONS: readonly Operation[] = [
  {
    ...change,
    name: 'listContacts',
    method: 'get',
    path: '/api/user/contacts',
    summary: 'One’s friends, those who asked, whom one has asked, or whom one blocks',
    query: ContactsQuery,
    replies: { 200: ContactPage },
    faults: SIGNED_IN,
  },
  {
    ...change,
    name: 'getContact',
    method: 'get',
    path,
    summary: 'How one stands with a user',
    faults: [...SIGNED_IN, 'not_found', 'rate.limited'],
  },
  {
    ...change,
    name: 'askForFriendship',
    method: 'put',
    path: `${path}/request`,
    summary: 'Ask for friendship',
    description: 'Where the other has asked already, it makes you friends.',
  },
  { ...change, name: 'takeBackRequest', method: 'delete', path: `${path}/request`, summary: 'Take one’s request back' },
  { ...change, name: 'acceptRequest', method: 'post', path: `${path}/accept`, summary: 'Accept a request' },
  { ...change, name: 'declineRequest', method: 'post', path: `${path}/decline`, summary: 'Decline a request' },
  { ...change, name: 'endFriendship', method: 'delete', path, summary: 'End a friendship' },
  {
    ...change,
    name: 'block',
    method: 'put',
    path: `${path}/block`,
    summary: 'Block a user',
    description: 'Who is blocked is not told, and gets what one gets of nobody.',
  },
  { ...change, name: 'unblock', method: 'delete', path: `${path}/block`, summary: 'Block a user no more' },
]
