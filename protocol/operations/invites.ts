import { type Operation, SIGNED_IN } from '../operation.ts'
import { ConversationItem, InviteItem, InvitePreview, Invites } from '../replies.ts'
import { CreateInvite } from '../requests.ts'

const tag = 'Invites'
const path = '/api/conversations/{id}/invites'
/** What those who lead a group may be refused with. */
const leading = [...SIGNED_IN, 'not_found', 'action.forbidden'] as const

/** Links by which people come into a group. */
export const INVITE_OPERATIONS: readonly Operation[] = [
  {
    name: 'createInvite',
    method: 'post',
    path,
    tag,
    summary: 'Make a link by which people come in',
    description: 'A repeat with the same Idempotency-Key and the same content makes no second one.',
    who: 'Owner or admin',
    body: CreateInvite,
    idempotencyKey: true,
    replies: { 201: InviteItem },
    faults: [...leading, 'idempotency.mismatch', 'rate.limited'],
  },
  {
    name: 'listInvites',
    method: 'get',
    path,
    tag,
    summary: 'The invites that are in force, with their codes',
    who: 'Owner or admin',
    replies: { 200: Invites },
    faults: [...leading, 'rate.limited'],
  },
  {
    name: 'revokeInvite',
    method: 'delete',
    path: `${path}/{inviteId}`,
    tag,
    summary: 'Let nobody in by it any more',
    who: 'Owner or admin',
    replies: { 204: null },
    faults: [...leading, 'rate.limited'],
  },
  {
    name: 'previewInvite',
    method: 'get',
    path: '/api/invites/{code}',
    tag,
    summary: 'What one is invited to',
    description:
      'A code that has ended, was revoked or used up, is of a group that is no more or that one was removed from, or that never was one: all `not_found`, in the same words.',
    who: 'Signed in',
    replies: { 200: InvitePreview },
    faults: [...SIGNED_IN, 'not_found', 'rate.limited'],
  },
  {
    name: 'joinByInvite',
    method: 'post',
    path: '/api/invites/{code}/join',
    tag,
    summary: 'Come into the group',
    description: 'One sees it from here on. A repeat has the same reply, and counts no second time.',
    who: 'Signed in',
    replies: { 200: ConversationItem },
    faults: [...SIGNED_IN, 'not_found', 'action.forbidden', 'rate.limited'],
  },
]
