import { type Operation, SIGNED_IN } from '../operation.ts'
import { Device, Devices, NoticeTest, Preferences, PushKey, Why } from '../replies.ts'
import { ChangePreferences, RegisterDevice, WhyQuery } from '../requests.ts'

const tag = 'Notifications'

/** What one is told of by push, on which devices, and why. */
export const NOTIFICATION_OPERATIONS: readonly Operation[] = [
  {
    name: 'getPushKey',
    method: 'get',
    path: '/api/notifications/push-key',
    tag,
    summary: 'What devices are pushed to by: the key that a browser subscribes with, and whether FCM is there',
    description: 'The key is the `applicationServerKey` of `pushManager.subscribe` (RFC 8292).',
    who: 'Signed in',
    replies: { 200: PushKey },
    faults: SIGNED_IN,
  },
  {
    name: 'whyPushed',
    method: 'get',
    path: '/api/notifications/why',
    tag,
    summary: 'Why one was told of a message by a push, or was not',
    who: 'Member',
    query: WhyQuery,
    replies: { 200: Why },
    faults: [...SIGNED_IN, 'not_found'],
  },
  {
    name: 'getPreferences',
    method: 'get',
    path: '/api/notifications/preferences',
    tag,
    summary: 'What one has set for all conversations',
    who: 'Signed in',
    replies: { 200: Preferences },
    faults: SIGNED_IN,
  },
  {
    name: 'changePreferences',
    method: 'patch',
    path: '/api/notifications/preferences',
    tag,
    summary: 'Set it',
    description: 'What is not given stays as it is. What holds for one conversation is in its settings.',
    who: 'Signed in',
    body: ChangePreferences,
    replies: { 200: Preferences },
    faults: SIGNED_IN,
  },
  {
    name: 'testNotices',
    method: 'post',
    path: '/api/notifications/test',
    tag,
    summary: 'Send oneself a test notice by every channel',
    description:
      'Also where one has turned them off, which it says. Answers when each was tried once, or after 9 s. Three at once, then one each 20 s.',
    who: 'Signed in',
    replies: { 200: NoticeTest },
    faults: [...SIGNED_IN, 'rate.limited'],
  },
  {
    name: 'listDevices',
    method: 'get',
    path: '/api/devices',
    tag,
    summary: 'The devices that one is pushed to',
    who: 'Signed in',
    replies: { 200: Devices },
    faults: SIGNED_IN,
  },
  {
    name: 'registerDevice',
    method: 'post',
    path: '/api/devices',
    tag,
    summary: 'Register this device for pushes',
    description:
      'With what the browser’s `PushSubscription` says, or with an app’s registration token of Firebase Cloud Messaging (`unsupported` where this server does not push by it). One address or token is one device: registered again it is whose it was registered for last. It is told nothing more once the session ends. An app is given `tag`, `conversationId`, `seq`, `count` and, as far as the operator lets it, `kind`, `title`, `sender`, `because` and `text` as the data of a message, each as text: what it shows takes the place of what it showed with the same `tag`.',
    who: 'Signed in',
    body: RegisterDevice,
    replies: { 201: Device },
    faults: [...SIGNED_IN, 'unsupported'],
  },
  {
    name: 'removeDevice',
    method: 'delete',
    path: '/api/devices/{id}',
    tag,
    summary: 'Push to it no more',
    who: 'Signed in',
    replies: { 204: null },
    faults: [...SIGNED_IN, 'not_found'],
  },
]
