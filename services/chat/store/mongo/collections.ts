import type { Entry, Role } from '@parley/protocol/conversation'
import type { Settings } from '@parley/protocol/settings'
import type { KeepOrErase } from '@parley/protocol/user'
import type { Collection, Db, Document, ObjectId } from 'mongodb'
import type { Invite } from '../../conversation.ts'
import type { Stay } from '../store.ts'

/** What the database holds. Each collection that grows is sharded by the field that every query on it carries. */
export interface Collections {
  /** The conversation logs, one document per entry: the truth. */
  log: Collection<LogDocument>
  /** What the logs amount to up to some `rev`: a hint for the head, and the members. By conversation. */
  conversations: Collection<ConversationDocument>
  marks: Collection<MarksDocument>
  /** One document per user and conversation in which the user has set something. */
  settings: Collection<SettingsDocument>
  /** One document per user and message of which the user has made something for themselves. */
  own: Collection<OwnDocument>
  /** One document per user and conversation with any such, in which their `rev`s are given out. */
  ownHeads: Collection<OwnHeadDocument>
  /** One document per user, in which stamps are given out. */
  inboxHeads: Collection<InboxHeadDocument>
  /** One document per user and conversation. */
  inbox: Collection<InboxDocument>
  /** One document per user, with the leases of the user's devices. */
  presence: Collection<PresenceDocument>
  /** One document in all: which chat nodes live. */
  nodes: Collection<NodesDocument>
  people: Collection<PersonDocument>
  departures: Collection<DepartureDocument>
  about: Collection<AboutDocument>
  /** What the texts are found by, one document per 64 messages of a conversation. By conversation. */
  search: Collection<SearchDocument>
  /** How far the log of each conversation is in `search`, and the log as a whole (`feed`). */
  searched: Collection<SearchedDocument>
}

/** An entry as it is kept. `outbox` is there until the entry was relayed; its value orders the pending ones. */
export type LogDocument = Kept<Entry> & {
  _id: ObjectId
  contentHash: string
  createdAt: Date
  outbox?: Date
  /** Of a message. */
  seq?: number
  /** Of a message, or of an edit that is not carried out yet. */
  text?: string
  changedRev?: number
  deleted?: true
  /** Of a message, or of an edit that is not carried out yet. */
  mentions?: readonly string[]
  mentionsAll?: true
  replyTo?: number
  forwarded?: true
  /** Of a message that disappears, until it was erased: when; and the conversation, so that only such messages are in the index. */
  disappears?: Date
  lasting?: string
  /** Of an edited message: the entry that its text is of, and the texts before it. */
  textRev?: number
  versions?: Version[]
  /** Of a message that names anybody: each by `nameIn`, and its `seq` once more, so that only such messages are in the index. */
  named?: string[]
  namedSeq?: number
  /** Of a change that timelines show: its conversation, `headSeq` and `rev` once more, so that only such changes are in the index. */
  eventOf?: string
  eventSeq?: number
  eventRev?: number
  /** Of a deleted message: the conversation and the `seq` once more, so that only such messages are in the index. */
  tombstone?: string
  tombstoneSeq?: number
  /** Of an entry that names a message: the message's `seq`; and the conversation, until a change of it is carried out in the message's document. */
  about?: number
  unapplied?: string
}
type Kept<E> = E extends Entry
  ? Omit<E, 'createdAt' | 'seq' | 'text' | 'changedRev' | 'deleted' | 'mentions' | 'mentionsAll'>
  : never

/** A text that a message had, and the entry it came with. */
interface Version {
  rev: number
  text: string
  createdAt: Date
  /** Whom that text named. */
  mentions?: readonly string[]
  mentionsAll?: true
}

export interface ConversationDocument {
  _id: string
  kind: 'direct' | 'group'
  title: string
  description?: string
  rev: number
  headSeq: number
  membersRev: number
  /** The `rev` of the latest entry folded in that is not a message. */
  changeRev: number
  createdAt: Date
  /** When the entry of that `rev` was created. */
  lastAt?: Date
  members: { userId: string; role: Role; fromSeq: number; fromRev: number }[]
  disappearAfterMs?: number | null
  pinned?: readonly number[]
  invites?: readonly Invite[]
  barred?: readonly string[]
  openedBy?: readonly string[]
}

export interface MarksDocument {
  conversationId: string
  userId: string
  deliveredSeq: number
  readSeq: number
}

export interface SettingsDocument extends Settings, Stay {}

/** One's own state of a message. `starred` is its place among what is starred, 0 where it is not. */
export interface OwnNote {
  seq: number
  rev: number
  starred: number
  hidden: boolean
}

export interface OwnDocument extends OwnNote {
  userId: string
  conversationId: string
}

export interface OwnHeadDocument {
  userId: string
  conversationId: string
  rev: number
  /** What may not be written in the messages' documents yet. */
  notes: OwnNote[]
}

export interface InboxHeadDocument {
  _id: string
  /** The largest stamp given out. */
  stamp: number
  /** The largest stamp that some device was given. */
  synced: number
  /** Stamps given out whose rows may not be written yet. */
  recent: Assignment[]
}

/** A stamp for a conversation; `gone` is as the membership was at `membersRev`. */
export interface Assignment {
  conversationId: string
  stamp: number
  membersRev: number
  gone: boolean
}

interface InboxDocument extends Assignment {
  userId: string
}

export interface PresenceDocument {
  _id: string
  leases: { node: string; socket: string; idle?: true }[]
  lastSeenAt?: Date
}

interface NodesDocument {
  _id: 'nodes'
  nodes: { node: string; seen: Date }[]
}

export interface PersonDocument {
  _id: string
  username: string
  displayName?: string
  colour?: number
  /** Of the user's profile; absent in what an older version wrote. */
  rev?: number
}

/** `open` until all was seen to. */
interface DepartureDocument {
  _id: string
  messages: KeepOrErase
  at: string
  after?: string
  open?: true
}

interface AboutDocument {
  _id: 'epoch'
  epoch: string
}

export interface SearchDocument {
  /** Conversation and block. */
  _id: string
  conversationId: string
  /** Of the messages with `seq` from 64 times this, plus one, on. */
  block: number
  /** The entry that it shows the log up to. */
  rev: number
  /** When the first and the last of its messages were created. */
  first: Date
  last: Date
  grams: string[]
}

interface SearchedDocument {
  _id: string
  rev?: number
  upTo?: ObjectId
}

/** The collections of the chat service in that database. `read` is called for each read. */
export function collectionsOf(db: Db, read: () => void = () => {}): Collections {
  function named<D extends Document>(name: string): Collection<D> {
    const collection = db.collection<D>(name)
    const { find, countDocuments } = collection
    // `findOne` asks by `find`.
    Object.assign(collection, {
      find(...args: unknown[]) {
        read()
        return Reflect.apply(find, collection, args)
      },
      countDocuments(...args: unknown[]) {
        read()
        return Reflect.apply(countDocuments, collection, args)
      },
    })
    return collection
  }

  return {
    log: named('log'),
    conversations: named('conversations'),
    marks: named('marks'),
    settings: named('settings'),
    own: named('own'),
    ownHeads: named('ownHeads'),
    inboxHeads: named('inboxHeads'),
    inbox: named('inbox'),
    presence: named('presence'),
    nodes: named('nodes'),
    people: named('people'),
    departures: named('departures'),
    about: named('about'),
    search: named('search'),
    searched: named('searched'),
  }
}
