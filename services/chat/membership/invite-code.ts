import { createHmac, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'

/** What a link carries: which invite of which conversation, and a tag that only this service can make. */
export interface InviteCodes {
  /** The code of an invite: always the same, so that it need not be kept. 64 characters of base64url. */
  write(conversationId: string, inviteId: string): string
  /** What a code is of; undefined for what we did not make. A guess is right once in 2^128. */
  read(code: string): { conversationId: string; inviteId: string } | undefined
}

const ID_BYTES = 16
/** 128 bits of HMAC-SHA-256 (RFC 2104, 5: not less than half of it). */
const TAG_BYTES = 16
const CODE = /^[A-Za-z0-9_-]{64}$/

/** The tags are made by a key of their own, derived from `key` (HKDF, RFC 5869). */
export function openInviteCodes(key: KeyObject): InviteCodes {
  const derived = Buffer.from(hkdfSync('sha256', key.export(), '', 'parley invite', 32))
  const tag = (ids: Uint8Array): Buffer => createHmac('sha256', derived).update(ids).digest().subarray(0, TAG_BYTES)

  return {
    write(conversationId, inviteId) {
      const ids = Buffer.from(`${conversationId}${inviteId}`.replaceAll('-', ''), 'hex')
      return Buffer.concat([ids, tag(ids)]).toString('base64url')
    },
    read(code) {
      if (!CODE.test(code)) return undefined
      const bytes = Buffer.from(code, 'base64url')
      const ids = bytes.subarray(0, 2 * ID_BYTES)
      if (!timingSafeEqual(bytes.subarray(2 * ID_BYTES), tag(ids))) return undefined
      return { conversationId: idAt(ids, 0), inviteId: idAt(ids, ID_BYTES) }
    },
  }
}

function idAt(bytes: Buffer, from: number): string {
  const hex = bytes.toString('hex', from, from + ID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
