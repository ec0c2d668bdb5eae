import type { Stack } from '@parley/infra/stack'
import type { FaultCode } from '@parley/protocol/fault'
import type { Person } from '../person.ts'

/**
 * Who asks, by what is between them and `other`, whose user, messages and conversations are asked for. In a group all of those from
 * `left` on are, or were, in it together with `other`; a direct conversation with `other` have `blocked`, `blocker` and `member`.
 */
export const WHO = [
  'anonymous',
  /** Shares nothing. */
  'stranger',
  'friend',
  'left',
  'removed',
  /** By `other`. */
  'blocked',
  /** Has blocked `other`. */
  'blocker',
  'member',
  'admin',
  'owner',
] as const
export type Who = (typeof WHO)[number]

/** What is asked for. Of a message it matters who wrote it, of a session whose it is. */
export const OBJECTS = [
  'group',
  'direct',
  'ownMessage',
  'othersMessage',
  'ownDirectMessage',
  'othersDirectMessage',
  'user',
  'ownSession',
  'othersSession',
  /** The asker. */
  'self',
] as const
export type ObjectName = (typeof OBJECTS)[number]

/**
 * `ok`: with a status that the document says. `nothing`: so too, but not to be told from the answer for what does not exist.
 * A code: refused with it and its status; `not_found` in the same words as for what does not exist. `absent`: `not_found` in its
 * own words, for what is not there and whose place the asker may know of.
 */
export type Answer = 'ok' | 'nothing' | 'absent' | FaultCode
export type Cells = Record<Who, Answer>
type Some = Partial<Cells>

const all = (answer: Answer): Cells => Object.fromEntries(WHO.map((who) => [who, answer])) as Cells

/** Of a route that the running form of Parley does not have. */
export const NOT_THERE = all('absent')

/** `ok` for everybody, signed in or not. */
export const anyone = (some: Some = {}): Cells => ({ ...all('ok'), ...some })

/** That answer for everybody who is signed in. */
export const signedIn = (answer: Answer = 'ok', some: Some = {}): Cells => ({
  ...all(answer),
  anonymous: 'auth.invalid',
  ...some,
})

/** For what one sees of other people: not of who has blocked one. */
export const visible = (hidden: Answer = 'not_found', some: Some = {}): Cells =>
  signedIn('ok', { blocked: hidden, ...some })

/** That answer for those who are in a group. Blocks part nobody there. */
export const members = (answer: Answer = 'ok', some: Some = {}): Cells =>
  signedIn('not_found', { blocked: answer, blocker: answer, member: answer, admin: answer, owner: answer, ...some })

/** For those who lead a group; the members are refused. */
export const leaders = (some: Some = {}): Cells => owners({ admin: 'ok', ...some })

/** For the owner of a group; the others in it are refused. */
export const owners = (some: Some = {}): Cells => members('action.forbidden', { owner: 'ok', ...some })

/** That answer for the two of a direct conversation. */
export const pair = (answer: Answer = 'ok', some: Some = {}): Cells =>
  signedIn('not_found', { blocked: answer, blocker: answer, member: answer, ...some })

/** The same, where it says something to the other: not while one of the two blocks the other. */
export const pairUnblocked = (some: Some = {}): Cells =>
  pair('ok', { blocked: 'action.forbidden', blocker: 'action.forbidden', ...some })

/** What a request may name. */
export interface At {
  who: Who
  /** Who asks; of someone anonymous, who they might say that they are. */
  me: Person
  other: Person
  owner: Person
  /** Someone whom nobody has heard of. */
  newcomer: Person
  conversationId: string
  seq: number
  userId: string
  username: string
  sessionId: string
  /** Of that session. */
  token: string
}

/** One line of the table: what is asked, and the answer for each object and asker. */
export interface Row extends Partial<Record<ObjectName, Cells>> {
  /** Which of several rows of one operation this is. */
  as?: string
  body?: (at: At) => object
  query?: (at: At) => Record<string, string>
  /** Parameters of the path that are not those that the object gives: `id`, `userId`, `receiverId`, `seq` and `emoji` are given. */
  path?: (at: At) => Record<string, string>
  /** Makes what the row needs beside the object, for instance an invite; what it gives is in `at` and in the path. */
  given?: (at: At) => Promise<Record<string, string>>
  /** The form of Parley that has it; the other has nothing there. */
  only?: Stack['shape']
  /** Changes nothing that a later question would see. Every GET does. */
  harmless?: true
  /** Ends a session, or an account: asked by someone who was made for it. */
  lastAct?: true
}

/** By the name of the route, or of the event. */
export type Table = Readonly<Record<string, Row | readonly Row[]>>
