import type { Operation } from './operation.ts'
import { AMENDMENT_OPERATIONS } from './operations/amendments.ts'
import { CHAT_OPERATIONS } from './operations/chat.ts'
import { CONTACT_OPERATIONS } from './operations/contacts.ts'
import { INVITE_OPERATIONS } from './operations/invites.ts'
import { KEEPING_OPERATIONS } from './operations/keeping.ts'
import { NOTIFICATION_OPERATIONS } from './operations/notifications.ts'
import { OWN_OPERATIONS } from './operations/own.ts'
import { PROFILE_OPERATIONS } from './operations/profiles.ts'
import { USER_OPERATIONS } from './operations/user.ts'
import { CapturedMail, Health, Readiness } from './replies.ts'

const tag = 'Operation'

/** Every route of the public HTTP interface. A route that is not here fails the tests (`scripts/contract.ts`), and so does one that no test asks. */
export const OPERATIONS: readonly Operation[] = [
  ...USER_OPERATIONS,
  ...PROFILE_OPERATIONS,
  ...CONTACT_OPERATIONS,
  ...CHAT_OPERATIONS,
  ...AMENDMENT_OPERATIONS,
  ...INVITE_OPERATIONS,
  ...OWN_OPERATIONS,
  ...KEEPING_OPERATIONS,
  ...NOTIFICATION_OPERATIONS,
  {
    name: 'isAlive',
    method: 'get',
    path: '/healthz',
    tag,
    summary: 'The process is there',
    who: 'Anyone',
    replies: { 200: Health },
  },
  {
    name: 'isReady',
    method: 'get',
    path: '/readyz',
    tag,
    summary: 'It serves, and which part of it is away',
    who: 'Anyone',
    replies: { 200: Readiness, 503: Readiness },
  },
  {
    name: 'getOpenApi',
    method: 'get',
    path: '/openapi.json',
    tag,
    summary: 'The HTTP interface as OpenAPI 3.1',
    who: 'Anyone',
    replies: { 200: 'application/json' },
  },
  {
    name: 'getAsyncApi',
    method: 'get',
    path: '/asyncapi.json',
    tag,
    summary: 'The socket’s events as AsyncAPI 3',
    who: 'Anyone',
    replies: { 200: 'application/json' },
  },
  {
    name: 'getReference',
    method: 'get',
    path: '/docs',
    tag,
    summary: 'Both as a page to read',
    who: 'Anyone',
    replies: { 200: 'text/html' },
  },
  {
    name: 'getReferenceStyle',
    method: 'get',
    path: '/docs/reference.css',
    tag,
    summary: 'The look of that page',
    who: 'Anyone',
    replies: { 200: 'text/css' },
  },
  {
    name: 'showMail',
    method: 'get',
    path: '/dev/mail',
    tag,
    summary: 'Mail that all-in-one captured, as a page',
    description: 'For the person at the machine that it runs on; elsewhere there is nothing.',
    who: 'Anyone',
    replies: { 200: 'text/html' },
    faults: ['not_found'],
  },
  {
    name: 'getMail',
    method: 'get',
    path: '/dev/mail.json',
    tag,
    summary: 'The same as data, the latest first',
    who: 'Anyone',
    replies: { 200: CapturedMail },
    faults: ['not_found'],
  },
]
