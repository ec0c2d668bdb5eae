import { z } from 'zod'
import { CONTACT_LISTS } from './contact.ts'
import { ROLES } from './conversation.ts'
import { Id } from './ids.ts'
import { LIMITS } from './limits.ts'
import { LOCALES } from './locale.ts'
import { AVATAR_COLOURS, VISIBILITIES } from './profile.ts'
import { QUERY_CODE_POINTS } from './search-query.ts'
import { LEVELS } from './settings.ts'
import { Password, Username } from './user.ts'

/** Parsers for what clients send, over HTTP and over the socket. Unknown fields are dropped: identity, times and positions never come from the client. */

export const wellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed()
const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count++
  return count
}

/** Something that is seen: neither blank nor a format or control character. */
export const VISIBLE = /[^\s\p{Cf}\p{Cc}]/u

/** Any script. Not empty or blank, no lone surrogates, no NUL; at most 10,000 code points and 40 KB. */
export const MessageText = z
  .string()
  .refine(
    (text) => text.length <= LIMITS.textBytes && Buffer.byteLength(text) <= LIMITS.textBytes,
    `must be at most ${LIMITS.textBytes} bytes`,
  )
  .refine(
    (text) => text.length <= LIMITS.textCodePoints || codePoints(text) <= LIMITS.textCodePoints,
    `must be at most ${LIMITS.textCodePoints} characters`,
  )
  .refine((text) => VISIBLE.test(text), 'must not be empty')
  .refine((text) => !text.includes('\0') && wellFormed(text), 'must be well-formed text without NUL')

const title = z
  .string()
  .trim()
  .min(1)
  .refine((text) => codePoints(text) <= LIMITS.titleCodePoints, `must be at most ${LIMITS.titleCodePoints} characters`)
  .refine((text) => !/[\p{Cc}]/u.test(text) && wellFormed(text), 'must be well-formed text without control characters')
const moment = z.iso
  .datetime({ offset: true })
  .transform((time) => new Date(time).toISOString())
  .refine((time) => time.length === 24, 'must be in a year of four digits')
const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const limit = z.coerce
  .number()
  .int()
  .min(1)
  .transform((n) => Math.min(n, LIMITS.pageMax))
  .default(LIMITS.pageDefault)
const cursor = z.string().min(1).max(200)
const atMostOne = (...given: unknown[]): boolean => given.filter((value) => value !== undefined).length <= 1
const ids = z.array(Id).max(LIMITS.idsPerCall)

/** A password as it is typed to prove who one is: only bounded, whatever the rules were when it was set. */
const GivenPassword = z.string().min(1).max(4096).refine(wellFormed, 'must be well-formed text')

export const Register = z.object({ username: Username, email: z.string().max(254), password: Password })
export const Login = z.object({
  email: z.string().min(1).max(254),
  password: GivenPassword,
  tokens: z.enum(['cookie', 'body']).default('cookie'),
  device: z.string().trim().max(100).optional(),
})

/** `GET /api/user/search`: the beginning of a user name, or beginnings of words of a display name. */
export const SearchUsers = z.object({
  q: z.string().trim().min(2).max(128).refine(wellFormed, 'must be well-formed text'),
  cursor: z.string().min(1).max(600).optional(),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform((n) => Math.min(n, 50))
    .default(20),
})

/** What turns the direction of text around, cannot be seen, or breaks a line: in a name or a status it could pass for something else. Joiners stay: scripts and emoji need them. */
const DISGUISE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]|(?!\u200c|\u200d|\ufe0e|\ufe0f|[\u{e0020}-\u{e007f}])\p{Default_Ignorable_Code_Point}|\u2800/u
/** More marks on one letter than any script has. */
const PILE = /\p{M}{6}/u
/** One line that shows as what it is, in any script. */
const line = (most: number) =>
  z
    .string()
    .max(4 * most)
    .refine(wellFormed, 'must be well-formed text')
    .transform((text) => text.normalize('NFC').trim())
    .refine((text) => codePoints(text) <= most, `must be at most ${most} characters`)
    .refine((text) => VISIBLE.test(text), 'must not be empty')
    .refine((text) => !DISGUISE.test(text) && !PILE.test(text), 'must not have control or direction characters')

/** `PATCH /api/user/me/profile`: what is not given stays as it is. */
export const ChangeProfile = z
  .object({
    displayName: line(LIMITS.displayNameCodePoints).nullable().optional(),
    bio: z
      .string()
      .max(4 * LIMITS.bioCodePoints)
      .transform((text) => text.trim())
      .refine((text) => codePoints(text) <= LIMITS.bioCodePoints, `must be at most ${LIMITS.bioCodePoints} characters`)
      .refine(
        (text) => wellFormed(text) && !DISGUISE.test(text.replaceAll(/[\n\t]/g, '')),
        'must not have control or direction characters',
      )
      .optional(),
    status: z
      .object({ text: line(LIMITS.statusCodePoints), expiresAt: moment.optional() })
      .nullable()
      .optional(),
    colour: z
      .int()
      .min(0)
      .max(AVATAR_COLOURS - 1)
      .nullable()
      .optional(),
    visibility: z
      .object({
        bio: z.enum(VISIBILITIES).optional(),
        status: z.enum(VISIBILITIES).optional(),
        lastSeen: z.enum(VISIBILITIES).optional(),
      })
      .optional(),
    findable: z.enum(['everybody', 'nobody']).optional(),
    privateReceipts: z.boolean().optional(),
    privatePresence: z.boolean().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'give at least one field')

/** `POST /api/user/changes`: what a device holds of each profile; a `viewRev` of 0 where it knows the name alone, and none where it does not. */
export const ChangesRequest = z.object({
  known: z
    .array(
      z.object({
        id: Id,
        viewRev: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
        friend: z.boolean().optional(),
      }),
    )
    .max(LIMITS.idsPerCall),
})

/** `POST /api/user/password`. */
export const ChangePassword = z.object({ oldPassword: GivenPassword, newPassword: Password })

/** `POST /api/user/password/forgot`: whatever was typed, since what is no address has no account. */
export const ForgotPassword = z.object({ email: z.string().min(1).max(254) })
/** The secret of a link that was mailed. */
const linkToken = z.string().min(1).max(512)
export const ResetPassword = z.object({ token: linkToken, newPassword: Password })
/** `POST /api/user/email`. */
export const ChangeEmail = z.object({ password: GivenPassword, email: z.string().max(254) })
/** `DELETE /api/user/me`. */
export const DeleteAccount = z.object({ password: GivenPassword, messages: z.enum(['keep', 'erase']) })
export const ConfirmEmail = z.object({ token: linkToken })

/** `POST /api/user/refresh` and `/logout`: empty where the refresh token is in the cookie. */
export const Refresh = z.object({
  refreshToken: z.string().min(1).max(512).optional(),
  userId: Id.optional().describe('Whose session it is: where that account was deleted, the refusal says so'),
})

/** Beside the text. Whom it names is found in the text by the server. */
const extras = { replyTo: seq.min(1).optional(), forwarded: z.literal(true).optional() }

/** `message.send` and, with the mission's name `message` for the text, `POST /api/messages/send`. */
export const SendMessage = z
  .object({ id: Id, text: MessageText, conversationId: Id.optional(), receiverId: Id.optional(), ...extras })
  .refine(
    (m) => (m.conversationId === undefined) !== (m.receiverId === undefined),
    'give either conversationId or receiverId',
  )
export const SendMessageHttp = z.object({ id: Id.optional(), receiverId: Id, message: MessageText, ...extras })

export const Receipt = z.object({ conversationId: Id, upToSeq: seq })
export const ReceiptHttp = z.object({ deliveredSeq: seq.optional(), readSeq: seq.optional() })
export const Typing = z.object({ conversationId: Id })
export const PresenceActive = z.object({ active: z.boolean() })
export const PresenceSubscribe = z.object({ userIds: ids })
export const SyncRequest = z.union([
  z.object({ conversationId: Id, rev: seq, limit }),
  z.object({ conversationId: z.undefined().optional(), cursor: cursor.optional(), limit }),
])
export const SessionRefresh = z.object({ token: z.string().min(1).max(8192) })

const base64url = (bytes: number) => {
  const length = Math.ceil((bytes * 4) / 3)
  return z
    .string()
    .regex(/^[A-Za-z0-9_-]+={0,2}$/, 'must be base64url')
    .transform((text) => text.replace(/=+$/, ''))
    .refine((text) => text.length === length, `must be ${bytes} bytes`)
}
const deviceName = z
  .string()
  .trim()
  .max(100)
  .refine((text) => wellFormed(text) && !DISGUISE.test(text), 'must not have control or direction characters')
  .optional()
/**
 * `POST /api/devices`: what the browser's `PushSubscription` says of itself (W3C Push API), or the registration token that an app has of
 * Firebase Cloud Messaging. `form`: whether the system shows what comes (`notification`), or the app does (`data`, by default on the web).
 */
export const RegisterDevice = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('webpush').optional(),
    endpoint: z
      .url({ protocol: /^https$/ })
      .max(2_048)
      .refine((url) => !/^[^/]*\/\/[^/]*@/.test(url), 'must have no credentials'),
    keys: z.object({ p256dh: base64url(65), auth: base64url(16) }),
    name: deviceName,
  }),
  z.object({
    kind: z.literal('fcm'),
    token: z.string().regex(/^[\w:.~%-]{16,2048}$/, 'must be a registration token of FCM'),
    platform: z.enum(['android', 'ios', 'web']),
    form: z.enum(['notification', 'data']).optional(),
    name: deviceName,
  }),
])
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM, 00:00 to 23:59')
/** `PATCH /api/notifications/preferences`: what is not given stays as it is. */
export const ChangePreferences = z
  .object({
    level: z.enum(LEVELS).optional(),
    push: z.boolean().optional(),
    doNotDisturbUntil: moment.nullable().optional(),
    quietHours: z
      .object({
        from: clock,
        to: clock,
        timeZone: z.string().max(64).refine(isTimeZone, 'must be a name of the IANA time zone database'),
      })
      .nullable()
      .optional(),
    digest: z.boolean().optional(),
    locale: z.enum(LOCALES).optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'give at least one field')
function isTimeZone(name: string): boolean {
  try {
    // An offset is taken too, and would not follow summer time.
    return /^[A-Za-z]/.test(name) && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
export const AlertsQuery = z.object({ cursor: cursor.optional(), limit })
/** `POST /api/notifications/read`: these, or all that happened up to that time (of the latest that was shown). */
export const ReadAlerts = z
  .object({
    ids: z.array(z.string().min(1).max(100)).max(LIMITS.idsPerCall).optional(),
    upTo: z.iso.datetime().optional(),
  })
  .refine(({ ids, upTo }) => (ids === undefined) !== (upTo === undefined), 'give one of ids, upTo')

/** Of a mail: whose it was, and its kind, as its sender signed them. */
export const UnsubscribeQuery = z.object({ token: z.string().max(200) })
export const WhyQuery = z.object({
  conversationId: Id,
  seq: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
})

/** One emoji as people see it: one grapheme, of those recommended for interchange. */
export const Emoji = z
  .string()
  .max(64)
  .regex(/^\p{RGI_Emoji}$/v, 'must be one emoji')
export const EditMessage = z.object({ text: MessageText })
export const MessageSeq = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

export const CreateGroup = z.object({ title, memberIds: ids })
/** What a group is about; may be empty, and go over several lines. */
const description = z
  .string()
  .trim()
  .refine(
    (text) => text.length <= 2 * LIMITS.descriptionCodePoints && codePoints(text) <= LIMITS.descriptionCodePoints,
    `must be at most ${LIMITS.descriptionCodePoints} characters`,
  )
  .refine(
    (text) => !/[^\P{Cc}\n]/u.test(text) && wellFormed(text),
    'must be well-formed text without control characters but new lines',
  )
export const ChangeDetails = z
  .object({ title: title.optional(), description: description.optional() })
  .refine((details) => Object.values(details).some((value) => value !== undefined), 'give title or description')
/** Null, or absent: without an end, for any number. */
export const CreateInvite = z.object({
  expiresInMs: z.number().int().min(1_000).max(LIMITS.inviteMs).nullable().optional(),
  maxUses: z.number().int().min(1).max(LIMITS.inviteUses).nullable().optional(),
})
export const SetRole = z.object({ role: z.enum(ROLES) })
/** What was begun; unlike a message it may be blank. */
const Draft = z
  .string()
  .refine(
    (text) => text.length <= LIMITS.textBytes && codePoints(text) <= LIMITS.textCodePoints,
    `must be at most ${LIMITS.textCodePoints} characters`,
  )
  .refine((text) => !text.includes('\0') && wellFormed(text), 'must be well-formed text without NUL')
export const ChangeSettings = z
  .object({
    mutedUntil: moment.nullable().optional(),
    archived: z.boolean().optional(),
    pinned: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().optional(),
    level: z.enum(LEVELS).optional(),
    draft: Draft.optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'give at least one setting')
/** `POST /api/conversations/:id/own`: stars or hides several messages at once. */
export const ChangeOwn = z
  .object({
    seqs: z.array(z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)).min(1).max(LIMITS.ownPerCall),
    starred: z.boolean().optional(),
    hidden: z.boolean().optional(),
  })
  .refine(({ starred, hidden }) => starred !== undefined || hidden !== undefined, 'give starred or hidden')
/** `PUT /api/conversations/:id/timer`; null: messages stay. The limits in force decide how short and how long. */
export const SetTimer = z.object({ afterMs: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable() })
export const AddMembers = z.object({ userIds: ids.min(1) })
const position = { before: cursor.optional(), after: cursor.optional(), around: cursor.optional() }
export const PageQuery = z
  .object({ limit, ...position })
  .refine((q) => atMostOne(q.before, q.after, q.around), 'give one of before, after, around')
/** `GET /api/search`: what `search-query.ts` takes apart. */
export const SearchMessages = z.object({
  q: z
    .string()
    .min(1)
    .max(4 * QUERY_CODE_POINTS)
    .refine((text) => codePoints(text) <= QUERY_CODE_POINTS, `must be at most ${QUERY_CODE_POINTS} characters`)
    .refine((text) => !text.includes('\0') && wellFormed(text), 'must be well-formed text without NUL'),
  cursor: z.string().min(1).max(400).optional(),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform((n) => Math.min(n, 50))
    .default(20),
})
/** `GET /api/conversations/:id/messages`: a page, or just those with these `seq`s. */
export const MessagesQuery = z
  .object({
    limit,
    ...position,
    seqs: z
      .string()
      .regex(/^\d{1,15}(,\d{1,15}){0,49}$/, 'must be 1 to 50 numbers with commas between them')
      .transform((text) => text.split(',').map(Number))
      .optional(),
    /** Around the first message of that time or later. */
    at: z.iso.datetime({ offset: true }).optional(),
  })
  .refine((q) => atMostOne(q.before, q.after, q.around, q.seqs, q.at), 'give one of before, after, around, seqs, at')
/** `GET /api/conversations/:id/mentions`. */
export const MentionsQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit,
})
export const LogQuery = z.object({ after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER), limit })
/** `GET /api/conversations/:id/own`. */
export const OwnQuery = LogQuery
/** `GET /api/starred`. */
export const StarredQuery = z.object({ cursor: cursor.optional(), limit })
export const SyncQuery = z.object({ cursor: cursor.optional(), limit })
/** `GET /api/user/contacts`. */
export const ContactsQuery = z.object({ list: z.enum(CONTACT_LISTS).default('friends'), after: Id.optional(), limit })
export const NameSession = z.object({ name: z.string().trim().min(1).max(100) })
