/** Limits in force unless the operator sets `PARLEY_LIMIT_*` (DESIGN: P8 bounded). Sizes in bytes, times in milliseconds. No zod here. */
export const LIMITS = {
  /** Text of one message, in code points and in UTF-8 bytes; both hold. */
  textCodePoints: 10_000,
  textBytes: 40_000,
  /** One socket frame, and one JSON body. */
  frameBytes: 64_000,
  jsonDepth: 20,
  pageDefault: 50,
  pageMax: 200,
  /** Changes of a conversation that one page of messages shows beside them: of more, the latest. */
  timelineEvents: 200,
  idsPerCall: 500,
  /** Different emoji under one message, and reactions of everybody together (as many bytes as a long text). */
  reactionEmoji: 20,
  reactionsPerMessage: 1_000,
  /** Different people whom one message names; who comes after them is only text. */
  mentionsPerMessage: 50,
  /** Each version is kept for the author. */
  editsPerMessage: 50,
  groupMembers: 1_000,
  /** Links by which people come into one group, in force at once; the longest that one may be, and how many it may let in at most (or any number). */
  openInvites: 20,
  inviteMs: 366 * 86_400_000,
  inviteUses: 10_000,
  /** Codes of invites that one user looks at or joins by: sustained per second, and the burst allowed above it. */
  inviteLooksPerSecond: 1,
  inviteLookBurst: 30,
  conversationsPerUser: 10_000,
  devicesPerUser: 20,
  titleCodePoints: 100,
  displayNameCodePoints: 64,
  bioCodePoints: 500,
  statusCodePoints: 140,
  descriptionCodePoints: 500,
  /** Conversations that one user can have on top of the list. */
  pinnedConversations: 10,
  /** Messages that one user can have starred, and that one call stars or hides. */
  starredPerUser: 10_000,
  ownPerCall: 100,
  /** Messages that are pinned in one conversation. */
  pinnedMessages: 50,
  /** How soon, and how late at most, the messages of a conversation disappear that lets them. */
  disappearLeastMs: 3_600_000,
  disappearMostMs: 31_622_400_000,
  /** Sends of one user: sustained per second, and the burst allowed above it. */
  sendsPerSecond: 20,
  sendBurst: 60,
  /** Sends of one socket under way at once; more are queued by the client (the SDK), or refused. */
  sendWindow: 16,
  /** Other events of one socket: sustained per second, and the burst allowed above it. */
  eventsPerSecond: 50,
  eventBurst: 200,
  /** Reads of one user over HTTP (conversations, members, messages; not sync and log): sustained per second, and the burst allowed above it. */
  readsPerSecond: 50,
  readBurst: 200,
  /** Searches of one user for messages, each page of one: sustained per second, and the burst allowed above it. */
  searchesPerSecond: 5,
  searchBurst: 30,
  /** Changes of one user's own settings of conversations (drafts among them) and of messages: sustained per second, and the burst allowed above it. */
  settingsPerSecond: 10,
  settingsBurst: 100,
  /** Changes of one user of groups that there are (members, roles, title, invites) and of timers, each an entry for all members: sustained per second, and the burst allowed above it. */
  changesPerSecond: 10,
  changeBurst: 200,
  /** Sockets being let in at once on one node; above it they wait, then are refused with a retry time. */
  handshakesAtOnce: 100,
  /** Connections (WebSockets, and sessions by polling) that one node holds, and those of them that have not signed in yet; above it they are refused with 503 before there is a socket. */
  socketsPerNode: 50_000,
  socketsSigningIn: 2_000,
  /** Bytes waiting to be written to one socket before it is cut as a slow consumer. */
  socketBufferBytes: 1_000_000,
  /** Appends waiting for a commit; above it sends are refused with 503. */
  appendQueue: 10_000,
  /** Sync pages being served at once on one node; above it they wait, then are refused with a retry time. */
  syncsAtOnce: 50,
  /** Groups above this size get counts instead of everybody's marks. */
  marksMembers: 32,
  /** Unread is exact up to here, then "999+". */
  unreadMax: 999,
} as const

export type Limits = { [K in keyof typeof LIMITS]: number }

/** Users are placed by partition: Nginx routes by it, and a chat node receives from the bus only the partitions of its connected users. */
export const PARTITIONS = 256

/** The partition of a user: the last byte of the id, which is random in every UUID version that names a user here (v4 and v7). */
export function partitionOf(userId: string): number {
  return Number.parseInt(userId.slice(-2), 16)
}
