import { createHash, randomUUID } from 'node:crypto'
import { type Conversation, NOTHING_MORE } from './conversation.ts'

/** The id of the conversation between two users (or with oneself): a UUIDv8 (RFC 9562) from both ids, so that creating it cannot race. */
export function directId(a: string, b: string): string {
  const hash = createHash('sha256')
    .update(a < b ? `direct\0${a}\0${b}` : `direct\0${b}\0${a}`)
    .digest()
  return uuidFrom(hash, 8)
}

/** The id of the group that a user creates under an `Idempotency-Key`: the same key makes the same group. */
export function keyedGroupId(userId: string, key: string): string {
  return uuidFrom(createHash('sha256').update(`group\0${userId}\0${key}`).digest(), 4)
}

/** The id of the invite that a user creates under an `Idempotency-Key`, and of its entry: the same key makes the same invite. */
export function keyedInviteId(userId: string, conversationId: string, key: string | undefined): string {
  if (key === undefined) return randomUUID()
  return uuidFrom(createHash('sha256').update(`invite\0${userId}\0${conversationId}\0${key}`).digest(), 4)
}

/** The id of the entry by which a user adds members under an `Idempotency-Key`: the same key adds once. */
export function keyedAdditionId(userId: string, conversationId: string, key: string): string {
  return uuidFrom(createHash('sha256').update(`added\0${userId}\0${conversationId}\0${key}`).digest(), 4)
}

/** A direct conversation that no one has written in: what its log would begin with. `rev` 0 says that it has none yet. */
export function unopenedDirect(a: string, b: string): Conversation {
  const members = [...new Set([a, b])]
    .sort()
    .map((userId) => [userId, { userId, role: 'member' as const, fromSeq: 1, fromRev: 1 }] as const)
  return {
    ...NOTHING_MORE,
    id: directId(a, b),
    kind: 'direct',
    title: '',
    rev: 0,
    headSeq: 0,
    membersRev: 0,
    createdAt: '',
    members: new Map(members),
  }
}

/** An id that is always the same for what it names. */
export function uuidOf(what: string): string {
  return uuidFrom(createHash('sha256').update(what).digest(), 8)
}

function uuidFrom(hash: Buffer, version: 4 | 8): string {
  const bytes = Buffer.from(hash.subarray(0, 16))
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
