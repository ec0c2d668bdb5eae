import { z } from 'zod'
import { ALERT_KINDS } from './alert.ts'
import { ROLES } from './conversation.ts'
import { LOCALES } from './locale.ts'
import { LEVELS } from './settings.ts'

/**
 * What the services answer and tell, as schemas: the documents are made of them, and the tests hold every reply and frame of theirs against
 * them. The types that programs are written against stay where they are; `replies.test.ts` does not compile when the two disagree.
 */

const id = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
const time = z.iso.datetime({ precision: 3 }).describe('RFC 3339 in UTC, by the server’s clock')
const count = z.int().min(0)
const seq = count.describe('Position among the messages, 1, 2, 3… without gaps; 0 is before the first')
const rev = z.int().min(1).describe('Position in the log of the conversation, 1, 2, 3… without gaps')
const cursor = z.string().describe('Opaque: give it back as it is')
const role = z.enum(ROLES)

export const OwnUser = z.object({ id, username: z.string(), email: z.string(), createdAt: time })
const person = {
  displayName: z.string().optional().describe('Chosen, and not unique: the user name says who it is'),
  colour: z.int().min(0).max(11).optional().describe('Of the avatar; absent: the one that the id gives'),
}
export const PublicUser = z.object({
  id,
  username: z.string(),
  ...person,
  rev: z.int().min(1).optional().describe('Of two states the one with the higher is true; absent: 0'),
})
const visibility = z.enum(['everybody', 'friends', 'nobody'])
const status = z.object({ text: z.string(), expiresAt: time.optional() })
export const Profile = z.object({
  rev: count.describe('Of two states the one with the higher is true; 0 where nothing was ever set'),
  displayName: z.string().nullable(),
  bio: z.string(),
  status: status.nullable(),
  colour: z.int().min(0).max(11).nullable(),
  visibility: z.object({ bio: visibility, status: visibility, lastSeen: visibility }),
  findable: z.enum(['everybody', 'nobody']).describe('By the user name or the display name; friends always do'),
  privateReceipts: z.boolean().describe('One’s marks are not told, and one is not told of others’'),
  privatePresence: z.boolean().describe('Nor that one is here, was here or types'),
})
export const ProfileView = PublicUser.extend({
  bio: z.string().optional().describe('Absent where it is not set, or not for oneself to see'),
  status: status.optional().describe('Likewise'),
  viewRev: count.describe('Counts the changes of what one sees here'),
  friend: z.literal(true).optional().describe('One sees it as a friend'),
})
export const ProfileChanges = z.object({
  items: z.array(ProfileView),
  gone: z.array(id).describe('Those who have deleted the account'),
})
export const PersonNews = ProfileView.extend({
  deleted: z.literal(true).optional().describe('The account was deleted; the name is empty'),
})
export const SessionItem = z.object({
  id,
  name: z.string().describe('Given by the user, or by the client at log-in'),
  createdAt: time,
  lastUsedAt: time,
  place: z
    .string()
    .optional()
    .describe('The network it was last used from, such as `203.0.113.0/24`, where that is known'),
  current: z.boolean().describe('The session that asks'),
})
export const RegisterReply = z.object({ message: z.literal('User registered successfully'), user: OwnUser })
export const LoginReply = z.object({
  token: z.string().describe('The access token: a JWT that ends after at most 15 minutes'),
  user: OwnUser,
  expiresAt: time.describe('When `token` ends: refresh before it'),
  sessionId: id,
  partition: z.int().min(0).max(255).describe('Where the socket belongs: connect with `?p=<partition>`'),
  refreshToken: z
    .string()
    .optional()
    .describe('Only where log-in asked for it with `"tokens": "body"`; else it is in a cookie'),
})

export const ContactItem = z.object({
  userId: id,
  username: z.string(),
  ...person,
  status: z.enum(['none', 'incoming', 'outgoing', 'friends']).describe('`incoming`: the other has asked'),
  blocked: z.boolean().describe('One has blocked the other'),
  rev: count.describe('Of two states the one with the higher is true'),
  changedAt: time.optional(),
})
export const ContactPage = z.object({ items: z.array(ContactItem), nextCursor: cursor.optional() })

const entry = z.object({
  conversationId: id,
  rev,
  id: id.describe('Made by the device that sent a message, else by the server; unique in the conversation'),
  senderId: id.describe('Who caused it'),
  createdAt: time,
  headSeq: seq.describe('The largest `seq` at this entry'),
  membersRev: rev.describe('The `rev` of the latest change of membership at this entry'),
})
const reaction = z.object({ emoji: z.string(), userIds: z.array(id) })
const named = {
  mentions: z.array(id).optional().describe('The members that the text names, as the server found them'),
  mentionsAll: z.literal(true).optional().describe('It names everybody'),
}
export const MessageEntry = entry.extend({
  kind: z.literal('message'),
  seq,
  replyTo: seq.optional().describe('The message of this conversation that it answers'),
  ...named,
  forwarded: z.literal(true).optional().describe('Was said elsewhere before, and passed on'),
  expiresAt: time.optional().describe('When it disappears: from then on it reads as deleted'),
  text: z.string().describe('As it is now; empty when the message was deleted'),
  changedRev: rev
    .optional()
    .describe('The latest entry that changed it: what is read shows every change up to that one, and none above'),
  editedAt: time.optional(),
  edits: count.optional().describe('How often it was edited'),
  deleted: z.literal(true).optional().describe('For everyone: only its place is left'),
  reactions: z.array(reaction).optional().describe('In the order in which each emoji was first set'),
})
export const MessageVersions = z.object({
  items: z.array(z.object({ text: z.string(), createdAt: time.describe('When it was sent, or edited into this') })),
})
export const CreatedEntry = entry.extend({
  kind: z.literal('created'),
  conversationKind: z.enum(['direct', 'group']),
  title: z.string().describe('Empty for a direct conversation'),
  members: z.array(z.object({ userId: id, role })).describe('Who is in it from the start, the owner of a group first'),
})
export const MembersAddedEntry = entry.extend({
  kind: z.literal('members.added'),
  userIds: z.array(id),
  inviteId: id.optional().describe('The invite by which `senderId` came'),
})
export const MembersRemovedEntry = entry.extend({ kind: z.literal('members.removed'), userIds: z.array(id) })
export const OpenedEntry = entry
  .extend({ kind: z.literal('opened') })
  .describe('Of a direct conversation in which nothing was said: the other one has opened it, too.')
export const RoleEntry = entry
  .extend({ kind: z.literal('members.role'), userId: id, role })
  .describe('Who becomes owner takes that from the former one, who stays as an admin.')
export const RenamedEntry = entry.extend({ kind: z.literal('renamed'), title: z.string() })
export const DescribedEntry = entry.extend({ kind: z.literal('described'), description: z.string() })
export const InviteCreatedEntry = entry.extend({
  kind: z.literal('invite.created'),
  inviteId: id,
  expiresAt: time.nullable(),
  maxUses: count.nullable(),
})
export const InviteRevokedEntry = entry.extend({ kind: z.literal('invite.revoked'), inviteId: id })
export const TimerEntry = entry.extend({
  kind: z.literal('timer.changed'),
  disappearAfterMs: count.nullable().describe('What is sent from here on disappears so long after it was sent'),
})
export const PinnedEntry = entry.extend({ kind: z.literal('message.pinned'), seq, on: z.boolean() })

export const EditedEntry = entry.extend({
  kind: z.literal('message.edited'),
  seq,
  text: z.string().optional().describe('Absent where a later entry edited or deleted it again'),
  ...named,
})
export const DeletedEntry = entry.extend({ kind: z.literal('message.deleted'), seq })
export const ReactedEntry = entry.extend({
  kind: z.literal('message.reacted'),
  seq,
  emoji: z.string(),
  on: z.boolean().describe('Set, or taken back'),
})
export const HiddenEntry = entry
  .extend({ kind: z.literal('message.hidden') })
  .describe('A change of a message that one may not see: it only takes its `rev`.')

const changes = [
  CreatedEntry,
  OpenedEntry,
  MembersAddedEntry,
  MembersRemovedEntry,
  RoleEntry,
  RenamedEntry,
  DescribedEntry,
  InviteCreatedEntry,
  InviteRevokedEntry,
  TimerEntry,
  PinnedEntry,
  EditedEntry,
  DeletedEntry,
  ReactedEntry,
  HiddenEntry,
] as const
export const ChangeEntry = z.discriminatedUnion('kind', [...changes])
/** Those that are shown among the messages. */
export const TimelineEvent = z.discriminatedUnion('kind', [
  CreatedEntry,
  MembersAddedEntry,
  MembersRemovedEntry,
  RoleEntry,
  RenamedEntry,
  DescribedEntry,
  TimerEntry,
  PinnedEntry,
])
export const Entry = z.discriminatedUnion('kind', [MessageEntry, ...changes])
export const NamedMessage = MessageEntry.extend({ sender: z.string().describe('The sender’s user name') })

export const Marks = z.object({ userId: id, deliveredSeq: seq, readSeq: seq })
export const OwnMarks = Marks.omit({ userId: true })
export const Settings = z.object({
  rev: count.describe('Of two states the one with the higher is true; 0 where nothing was ever set'),
  mutedUntil: time.nullable(),
  archivedSeq: seq
    .nullable()
    .describe('The newest message when it was archived: a newer one brings it back, unless it is muted'),
  pinned: z.int().nullable().describe('On top of the list, the larger first'),
  level: z.enum(LEVELS).describe('What one wants to be told of'),
  draft: z.string(),
})
export const OwnMark = z.object({
  seq,
  rev: count.describe(
    'Counts the changes of one’s own state in this conversation: of two states the one with the higher is true',
  ),
  starred: z.boolean(),
  hidden: z.boolean().describe('Deleted for oneself: one’s own devices do not show it'),
})
export const OwnChanged = z.object({
  items: z.array(OwnMark).describe('The messages that it changed, with consecutive `rev`s up to `rev`'),
  rev: count,
})
export const OwnPage = z.object({
  items: z.array(OwnMark),
  rev: count.describe('Up to where the page tells everything'),
  more: z.boolean().describe('Another page waits above `rev`'),
})
export const OwnUpdate = OwnChanged.extend({ conversationId: id })
export const MemberItem = z.object({
  userId: id,
  username: z.string(),
  ...person,
  rev: PublicUser.shape.rev,
  role,
  deleted: z.literal(true).optional().describe('Deleted the account; the name is empty'),
})
export const ConversationItem = z.object({
  id,
  kind: z.enum(['direct', 'group']),
  title: z.string().describe('Of a direct conversation the other’s user name'),
  description: z.string().optional().describe('What a group is about'),
  rev: rev.describe('Head of the log'),
  headSeq: seq.describe('Head of the messages'),
  membersRev: rev,
  memberCount: count,
  members: z.array(MemberItem).optional().describe('Where there are at most 32; else fetch them'),
  lastMessage: NamedMessage.optional(),
  disappearAfterMs: count.optional().describe('Messages disappear so long after they were sent'),
  pinned: z.array(seq).optional().describe('By `seq`, the latest pinned last'),
  me: z.object({
    role,
    deliveredSeq: seq,
    readSeq: seq,
    mentions: count.describe('How many of those name oneself, or everybody; not those of people one has blocked'),
    unread: count.describe('Messages of others above `readSeq`; 1000 stands for “999+”'),
    unreadUntil: time.optional().describe('When the first of these disappears; absent where they all stay'),
    fromSeq: seq.describe('The first message that oneself may see'),
    fromRev: rev.describe('The first entry that oneself may see'),
    settings: Settings,
    ownRev: count.describe('Up to where one’s own state of messages goes: fetch what is above what one has'),
  }),
  marks: z
    .array(Marks)
    .optional()
    .describe('The others’, where there are at most 32 members, but for those who keep them back, or of whom one does'),
})
export const InviteItem = z.object({
  id,
  code: z.string().describe('What a link carries; always the same for one invite'),
  createdBy: id,
  expiresAt: time.nullable().describe('Null: without an end'),
  maxUses: count.nullable().describe('How many it lets in; null: any number'),
  uses: count.describe('How many came by it'),
})
export const Invites = z.object({ items: z.array(InviteItem) })
export const InvitePreview = z.object({
  title: z.string(),
  description: z.string().optional(),
  memberCount: count,
  joined: z.boolean().describe('One is in it already'),
})
export const ConversationGone = z.object({ id, gone: z.literal(true).describe('Left or removed: forget it') })
export const SyncPage = z.object({
  items: z.array(z.union([ConversationItem, ConversationGone])),
  cursor,
  more: z.boolean().describe('Another page waits'),
})
export const ConversationPage = z.object({ items: z.array(ConversationItem), nextCursor: cursor.optional() })
export const LogPage = z.object({
  items: z.array(Entry),
  headRev: rev.describe('The head when it was read'),
  more: z.boolean().describe('Another page waits'),
})
const shownBeside = {
  events: z
    .array(TimelineEvent)
    .optional()
    .describe(
      'What is shown beside the messages, each behind the one with its `headSeq`, by `rev`; of more than 200 the latest',
    ),
  people: z.array(PublicUser).optional().describe('Whom the events name, where known'),
}
export const MessagePage = z.object({
  items: z.array(NamedMessage),
  quoted: z
    .array(NamedMessage)
    .optional()
    .describe('What messages of the page answer, where it is not on the page and one may see it'),
  own: z.array(OwnMark).optional().describe('What one made of these messages for oneself'),
  ...shownBeside,
  prevCursor: cursor.optional(),
  nextCursor: cursor.optional(),
})
export const SearchPage = z.object({
  items: z.array(
    z.object({
      conversationId: id,
      message: NamedMessage,
      highlights: z
        .array(z.tuple([count, count]))
        .describe('Where in the text what was looked for is: from, and up to before, in UTF-16 code units'),
    }),
  ),
  nextCursor: cursor.optional(),
  indexedUpTo: time.describe('All that was sent, edited or deleted before that moment was looked at'),
  behind: z.boolean().describe('The index is still being made: more may be found later'),
})
export const Pins = z.object({ items: z.array(NamedMessage).describe('The latest pinned last') })
export const StarredPage = z.object({ items: z.array(NamedMessage), nextCursor: cursor.optional() })
/** A page of messages under the names of the mission's text. */
export const HistoryPage = z.object({
  conversation: z.array(
    z.object({
      sender: z.string(),
      message: z.string(),
      id,
      seq,
      senderId: id,
      createdAt: time,
      deleted: z.literal(true).optional(),
    }),
  ),
  ...shownBeside,
  prevCursor: cursor.optional(),
  nextCursor: cursor.optional(),
})

export const SendReply = z.object({
  id,
  seq,
  rev,
  createdAt: time,
  conversationId: id,
  ...named,
  expiresAt: time.optional().describe('When it disappears'),
})
export const SendHttpReply = SendReply.extend({
  status: z.literal('success'),
  message: z.literal('Message sent successfully'),
})

export const PresenceItem = z.object({
  userId: id,
  online: z.boolean(),
  lastSeenAt: time.optional().describe('When the last device went; absent while online, or unknown'),
})
export const Hello = z.object({ sessionId: id, userId: id, serverTime: time, expiresAt: time })
export const ConversationUpdate = z.union([
  z.object({
    conversationId: id,
    entry: ChangeEntry,
    people: z.array(PublicUser).optional().describe('Whom it names, where it is shown among the messages'),
  }),
  z.object({
    conversationId: id,
    gone: z.literal(true),
    rev: count.describe('The entry that ended one’s membership: who came back later is still in'),
  }),
])
export const SettingsUpdate = z.object({ conversationId: id, settings: Settings })
export const ReceiptUpdate = Marks.extend({ conversationId: id })
export const TypingUpdate = z.object({ conversationId: id, userId: id })
export const Revoked = z.object({ reason: z.string() })
export const Draining = z.object({ reconnectAfterMs: count })
export const Nothing = z.object({})
export const Refreshed = z.object({ expiresAt: time })
export const PresenceItems = z.object({ items: z.array(PresenceItem) })

export const Mentions = z.object({
  items: z.array(seq),
  nextAfter: seq.optional().describe('The `after` of the next page; absent when there is none'),
})
export const PushKey = z.object({
  publicKey: z.string().describe('P-256, uncompressed, base64url'),
  fcm: z.boolean().describe('Whether apps may register for Firebase Cloud Messaging'),
  fcmWeb: z
    .object({
      apiKey: z.string(),
      projectId: z.string(),
      messagingSenderId: z.string(),
      appId: z.string(),
      vapidKey: z.string(),
    })
    .optional()
    .describe('With what web pages register for it, where the operator wants them to: then not by the key above'),
})
export const Preferences = z.object({
  level: z
    .enum(LEVELS)
    .describe('Of what one is told where a conversation says `all`; `mentions` tells of everything in direct ones'),
  push: z.boolean().describe('To registered devices, at all'),
  doNotDisturbUntil: time.nullable(),
  quietHours: z
    .object({ from: z.string(), to: z.string(), timeZone: z.string() })
    .nullable()
    .describe('Each day between these times (`HH:MM`) of that time zone nothing is pushed'),
  digest: z
    .boolean()
    .describe('A mail about what has waited unread for a while; mail about the account’s safety always comes'),
  locale: z.enum(LOCALES).describe('What mail is written in'),
})
export const Device = z.object({
  id: z.string(),
  kind: z.enum(['webpush', 'fcm']),
  name: z.string(),
  registeredAt: time,
  current: z.boolean().describe('Registered by the session that asks'),
})
export const Devices = z.object({ items: z.array(Device) })
export const Why = z.object({
  conversationId: id,
  seq,
  outcome: z.enum(['push', 'none', 'waiting']),
  code: z
    .string()
    .optional()
    .describe('What made it worth a push, or why there was none; absent while it waits to be decided'),
  text: z.string().describe('In words'),
  at: time.optional().describe('When it was decided'),
  pushes: z
    .array(
      z.object({
        device: z.string(),
        state: z.enum(['waiting', 'sent', 'failed', 'dropped']),
        text: z.string(),
        at: time,
      }),
    )
    .optional()
    .describe('What became of the push to each device'),
  mail: z
    .object({ state: z.enum(['waiting', 'sent', 'failed', 'dropped']), text: z.string(), at: time })
    .optional()
    .describe('What became of the mail about what was unread then; absent where none was to be, or it is not time yet'),
})
export const NoticeTest = z.object({
  id: z.string(),
  steps: z.array(
    z.object({
      step: z.enum(['settings', 'devices', 'push', 'mail']),
      state: z
        .enum(['good', 'held', 'waiting', 'bad'])
        .describe('`held`: messages would not go any further now, as one has set; `waiting`: it is tried again'),
      text: z.string().describe('In words'),
      device: z.string().optional().describe('Of `push`: its name, which may be empty'),
      current: z.boolean().optional().describe('Of `push`: registered by the session that asks'),
    }),
  ),
})

const AlertItem = z.object({
  id: z.string(),
  kind: z.enum(ALERT_KINDS),
  at: time,
  read: z.boolean(),
  actors: z
    .array(
      z.object({
        id,
        username: z.string().describe('Empty for who has deleted the account'),
        displayName: z.string().optional(),
        colour: count.optional(),
        deleted: z.literal(true).optional(),
      }),
    )
    .describe('The latest first, at most three'),
  actorCount: count,
  conversationId: id.optional(),
  seq: seq.optional(),
  emoji: z.string().optional(),
  sessionId: z.string().optional(),
  device: z.string().optional(),
  place: z.string().optional(),
})
const alertsRead = {
  unread: count,
  rev: count.describe('Of two answers or news the one with the higher has the true `unread`'),
}
export const AlertsRead = z.object(alertsRead)
export const AlertPage = z.object({ items: z.array(AlertItem), ...alertsRead, nextCursor: cursor.optional() })
export const AlertNews = z.object({
  ...alertsRead,
  items: z.array(AlertItem).optional(),
  gone: z.array(z.string()).optional(),
  read: z.union([z.object({ ids: z.array(z.string()) }), z.object({ upTo: time })]).optional(),
})

export const Members = z.object({ items: z.array(MemberItem) })
export const Sessions = z.object({ items: z.array(SessionItem) })
export const Users = z.object({ items: z.array(PublicUser) })
export const UserPage = z.object({ items: z.array(PublicUser), nextCursor: cursor.optional() })
export const KeySet = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional(), alg: z.string().optional() })),
})
export const CapturedMail = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      at: z.string(),
      to: z.string(),
      username: z.string(),
      kind: z.enum([
        'password.reset',
        'email.change',
        'password.changed',
        'email.changed',
        'test',
        'session.started',
        'session.reused',
        'digest',
      ]),
      subject: z.string().optional().describe('With `text`: of letters that are more than their kind and their link.'),
      text: z.string().optional(),
      link: z.string().optional().describe('Until it has ended.'),
      expiresAt: z.string().optional(),
    }),
  ),
})
export const Health = z.object({ status: z.literal('ok') })
export const Readiness = z.object({
  status: z.enum(['ready', 'degraded', 'down']),
  parts: z.record(z.string(), z.enum(['up', 'degraded', 'down'])),
})
