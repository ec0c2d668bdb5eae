import type { PushedMessage } from '@parley/protocol/notification'

/** What the worker and the pages say to each other. What neither knows is ignored: a page may be older than the worker, or newer. */
export type ToPage =
  /** Asked with a port: whether that message is in front of somebody there. `true` is the answer. */
  | { kind: 'seen?'; conversationId: PushedMessage['conversationId']; seq: number }
  /** A notice was pressed. */
  | { kind: 'open'; conversationId: string; seq: number }
  | { kind: 'open-start' }
  /** A test notice arrived in this browser. */
  | { kind: 'test-arrived'; test: string }
  /** The browser has changed its address. */
  | { kind: 'address-changed' }

/** What is kept with a notice that is shown. */
export interface NoticeData {
  conversationId?: string
  seq?: number
  /** Messages that it tells of, those that it took over among them. */
  count: number
}

/** How many messages these notices tell of. */
export const messagesIn = (all: readonly (Partial<NoticeData> | null)[]): number =>
  all.reduce((sum, data) => sum + (data?.conversationId === undefined ? 0 : (data.count ?? 0)), 0)

/** The address that opens a message; a page that is open already is told instead. */
export const addressOf = ({ conversationId, seq }: NoticeData): string =>
  conversationId === undefined
    ? '/'
    : `/c/${encodeURIComponent(conversationId)}${seq === undefined ? '' : `#at=${seq}`}`

/** The message that such an address names. */
export function placeIn(pathname: string, hash: string): { conversationId: string; seq: number } | undefined {
  const [, conversationId] = /^\/c\/([\w-]+)$/.exec(pathname) ?? []
  const [, seq] = /^#at=(\d{1,15})$/.exec(hash) ?? []
  return conversationId !== undefined && Number(seq) > 0 ? { conversationId, seq: Number(seq) } : undefined
}
