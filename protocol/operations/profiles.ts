import { type Operation, SIGNED_IN } from '../operation.ts'
import { Profile, ProfileChanges, ProfileView } from '../replies.ts'
import { ChangeProfile, ChangesRequest } from '../requests.ts'

const tag = 'Profiles'

/** What users say of themselves, and what is kept from others. */
export const PROFILE_OPERATIONS: readonly Operation[] = [
  {
    name: 'getOwnProfile',
    method: 'get',
    path: '/api/user/me/profile',
    tag,
    summary: 'One’s own profile, and who may see what',
    who: 'Signed in',
    replies: { 200: Profile },
    faults: SIGNED_IN,
  },
  {
    name: 'changeOwnProfile',
    method: 'patch',
    path: '/api/user/me/profile',
    tag,
    summary: 'Change some of it',
    description:
      'What is not given stays as it is. What is kept from others holds when it is answered; `unavailable` where that is not sure: send it again.',
    who: 'Signed in',
    body: ChangeProfile,
    replies: { 200: Profile },
    faults: [...SIGNED_IN, 'origin.refused', 'rate.limited'],
  },
  {
    name: 'getProfile',
    method: 'get',
    path: '/api/user/users/{id}/profile',
    tag,
    summary: 'A user’s profile, as far as one may see it',
    description:
      'What is not for oneself is absent, as what is not set. Of whom one blocks, and who blocks one, nothing.',
    who: 'Signed in',
    replies: { 200: ProfileView },
    faults: [...SIGNED_IN, 'not_found', 'rate.limited'],
  },
  {
    name: 'readProfileChanges',
    method: 'post',
    path: '/api/user/changes',
    tag,
    summary: 'What has changed in profiles since a device read them',
    description:
      'Say what the device holds, in pages of at most 500: only what one sees otherwise by now is answered, and who has deleted the account. Changes nothing.',
    who: 'Signed in',
    body: ChangesRequest,
    replies: { 200: ProfileChanges },
    faults: [...SIGNED_IN, 'origin.refused', 'rate.limited'],
  },
]
