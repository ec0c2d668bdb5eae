import { z } from 'zod'

/** A user as oneself sees it. */
export interface OwnUser {
  id: string
  username: string
  email: string
  createdAt: string
}

/** A user as whoever may see that user at all does: no e-mail, nothing else (case 59 of the security list). */
export interface PublicUser {
  id: string
  username: string
  /** Chosen by the user, and not unique: the user name says who it is. Absent: the user name is shown. */
  displayName?: string
  /** Colour of the avatar, chosen by the user. Absent: the one that the id gives (`colourOf` in `profile.ts`). */
  colour?: number
  /** Of two states the one with the higher is true. Absent: 0. */
  rev?: number
}

/** What becomes of the messages of who deletes an account: they stay, without a name, or are deleted for everyone. */
export type KeepOrErase = 'keep' | 'erase'

/** One device's log-in. */
export interface SessionItem {
  id: string
  /** Given by the user or by the client at log-in. */
  name: string
  createdAt: string
  lastUsedAt: string
  /** The network (RFC 4632) it was last used from, such as `203.0.113.0/24`, where that is known. Not the address. */
  place?: string
  /** The session that asked. */
  current: boolean
}

/** Reply of `POST /api/user/register` (201), as the mission gives it. */
export interface RegisterReply {
  message: 'User registered successfully'
  user: OwnUser
}

/** Reply of `POST /api/user/login` (200), as the mission gives it, and of `POST /api/user/refresh`. */
export interface LoginReply {
  /** The access token: a JWT of at most 15 minutes. */
  token: string
  user: OwnUser
  /** When `token` ends; refresh before it. */
  expiresAt: string
  sessionId: string
  /** Placement for the socket: connect with `?p=<partition>`. */
  partition: number
  /** Only when asked for with `"tokens": "body"`; else it is in an HttpOnly cookie. */
  refreshToken?: string
}

/**
 * 3–32 of letters, digits and `._-`, compared by `foldName` (`fold-name.ts`); shown as registered, in NFKC. Refused beside that: characters that
 * cannot be seen, a combining mark without a letter before it, and Latin letters mixed with the Cyrillic or Greek ones that
 * look like them, so that a name cannot pass for another.
 */
export const Username = z
  .string()
  .max(128)
  .transform((name) => name.normalize('NFKC'))
  .pipe(
    z
      .string()
      .regex(/^[\p{L}\p{N}._-][\p{L}\p{M}\p{N}._-]{2,31}$/u, 'must be 3 to 32 letters, digits or any of . _ -')
      .refine((name) => !/\p{Default_Ignorable_Code_Point}/u.test(name), 'must not have invisible characters')
      .refine(
        (name) => !(/\p{Script=Latin}/u.test(name) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(name)),
        'must not mix Latin letters with Cyrillic or Greek ones',
      ),
  )

/**
 * No rule on what is in it, and it counts exactly as given: case, blanks, NUL and the way accents are composed all matter. At least
 * 8 characters and at most 1 KB (a cap on hashing work, far above bcrypt's 72 bytes, which a pre-hash lifts).
 */
export const Password = z
  .string()
  .min(8, 'must have at least 8 characters')
  .refine((password) => new TextEncoder().encode(password).length <= 1024, 'must be at most 1,024 bytes')
  .refine((password) => password.isWellFormed(), 'must be well-formed text')
