import type { PublicUser } from './user.ts'

/** What users say of themselves, and who may see it. Types and plain functions, no zod: the SDK and the web client import this file. */

/** Who may see something of a user: everybody who may see the user at all, friends, or only oneself. */
export type Visibility = 'everybody' | 'friends' | 'nobody'

export const VISIBILITIES = ['everybody', 'friends', 'nobody'] as const satisfies readonly Visibility[]

/** What one does at the moment. */
export interface Status {
  text: string
  /** From then on it is as good as not set (RFC 3339 UTC). Absent: until it is changed. */
  expiresAt?: string
}

/** A user's profile as oneself sees it. */
export interface Profile {
  /** Counts the changes, whatever they are of. Of two states the higher is true; 0: nothing was ever set. */
  rev: number
  /** Shown in the place of the user name, beside which it never stands for who one is: two may have the same. Null: the user name. */
  displayName: string | null
  /** Empty when there is none. */
  bio: string
  status: Status | null
  /** Colour of the avatar, 0 to `AVATAR_COLOURS` - 1. Null: the one that the id gives (`colourOf`). */
  colour: number | null
  /** Who may see what. The display name and the colour are seen by whoever may see the user. */
  visibility: { bio: Visibility; status: Visibility; lastSeen: Visibility }
  /** `nobody`: only friends find one by the user name or the display name. */
  findable: 'everybody' | 'nobody'
  /** Nobody else sees how far one has got and read, and one does not see it of others. */
  privateReceipts: boolean
  /** Nobody else sees whether one is here, was here or types, and one does not see it of others. */
  privatePresence: boolean
}

/** `PATCH /api/user/me/profile`: what is not given stays as it is. */
export interface ProfileChange {
  displayName?: string | null | undefined
  bio?: string | undefined
  status?: { text: string; expiresAt?: string | undefined } | null | undefined
  colour?: number | null | undefined
  visibility?: { [K in keyof Profile['visibility']]?: Visibility | undefined } | undefined
  findable?: Profile['findable'] | undefined
  privateReceipts?: boolean | undefined
  privatePresence?: boolean | undefined
}

/** What of a profile the chat service keeps to. */
export type Privacy = Pick<Profile, 'privateReceipts' | 'privatePresence'> & { lastSeen: Visibility }

/** A user's profile as another may see it: what one may not see is absent, just as what is not set. */
export interface ProfileView extends PublicUser {
  bio?: string
  status?: Status
  /** Counts the changes of what one sees here, and of nothing else. Of two states the higher is true, as long as one's friendship with that user stays as it is. */
  viewRev: number
  /** One sees it as a friend of that user. */
  friend?: true
}

/** What devices are told of a profile; or that the account was deleted: the name is then empty, and there will never be another of that id. */
export type PersonNews = ProfileView & { deleted?: true }

/** What a device holds of a profile, for `POST /api/user/changes`. */
export interface HeldProfile {
  id: string
  /** Absent: nothing, not even the name. */
  viewRev?: number | undefined
  friend?: boolean | undefined
}

/** Of what a device holds: what it should hold instead, and who has deleted the account. */
export interface ProfileChanges {
  items: ProfileView[]
  gone: string[]
}

/** How whoever looks at a profile stands with its owner. */
export type Onlooker = 'owner' | 'friend' | 'other'

export const AVATAR_COLOURS = 12

export const NEW_PROFILE: Profile = {
  rev: 0,
  displayName: null,
  bio: '',
  status: null,
  colour: null,
  visibility: { bio: 'everybody', status: 'everybody', lastSeen: 'everybody' },
  findable: 'everybody',
  privateReceipts: false,
  privatePresence: false,
}

export const OPEN: Privacy = { privateReceipts: false, privatePresence: false, lastSeen: 'everybody' }

/** May that onlooker see what has that visibility? */
export function maySee(onlooker: Onlooker, visibility: Visibility): boolean {
  switch (visibility) {
    case 'everybody':
      return true
    case 'friends':
      return onlooker !== 'other'
    case 'nobody':
      return onlooker === 'owner'
    default:
      return visibility satisfies never
  }
}

/** What that onlooker sees of the profile at that time, beside the name and the id. */
export function seenOf(
  profile: Profile,
  onlooker: Onlooker,
  now: Date,
): Omit<ProfileView, keyof PublicUser | 'viewRev' | 'friend'> {
  const { bio, status, visibility } = profile
  return {
    ...(bio !== '' && maySee(onlooker, visibility.bio) && { bio }),
    ...(status && !hasPassed(status, now) && maySee(onlooker, visibility.status) && { status }),
  }
}

/** Is that status over? */
export const hasPassed = ({ expiresAt }: Status, now: Date): boolean =>
  expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime()

/** The profile after the change, without a new `rev`; the same object where nothing changes. */
export function withProfileChange(profile: Profile, change: ProfileChange): Profile {
  const { visibility, status } = change
  const next: Profile = {
    rev: profile.rev,
    displayName: change.displayName === undefined ? profile.displayName : change.displayName,
    bio: change.bio ?? profile.bio,
    status:
      status === undefined
        ? profile.status
        : status && { text: status.text, ...(status.expiresAt !== undefined && { expiresAt: status.expiresAt }) },
    colour: change.colour === undefined ? profile.colour : change.colour,
    visibility: {
      bio: visibility?.bio ?? profile.visibility.bio,
      status: visibility?.status ?? profile.visibility.status,
      lastSeen: visibility?.lastSeen ?? profile.visibility.lastSeen,
    },
    findable: change.findable ?? profile.findable,
    privateReceipts: change.privateReceipts ?? profile.privateReceipts,
    privatePresence: change.privatePresence ?? profile.privatePresence,
  }
  return JSON.stringify(next) === JSON.stringify(profile) ? profile : next
}

export const privacyOf = ({ privateReceipts, privatePresence, visibility }: Profile): Privacy => ({
  privateReceipts,
  privatePresence,
  lastSeen: visibility.lastSeen,
})

/** Does it keep nothing back? */
export const isOpen = ({ privateReceipts, privatePresence, lastSeen }: Privacy): boolean =>
  !privateReceipts && !privatePresence && lastSeen === 'everybody'

/** What is shown in the place of a name. */
export const shownName = ({ displayName, username }: Pick<PublicUser, 'displayName' | 'username'>): string =>
  displayName ?? username

/** The colour of a user's avatar: the chosen one, or the one that the id gives. */
export function colourOf(userId: string, colour?: number | null): number {
  if (colour !== undefined && colour !== null) return colour % AVATAR_COLOURS
  let sum = 0
  for (const letter of userId) sum = (sum * 31 + letter.charCodeAt(0)) % 65_521
  return sum % AVATAR_COLOURS
}

/** The first letters of the first and the last word, or the first letter: never half of one. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word))
  const first = (word: string | undefined): string => word?.match(/[\p{L}\p{N}]\p{M}*/u)?.[0]?.toLocaleUpperCase() ?? ''
  const initials = first(words[0]) + (words.length > 1 ? first(words.at(-1)) : '')
  return initials || (/\p{RGI_Emoji}/v.exec(name)?.[0] ?? '?')
}
