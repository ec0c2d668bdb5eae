/** What moves the line "new messages" of an open conversation. */
export type UnreadLineEvent =
  | { type: 'opened'; readSeq: number; unread: number }
  /** Others' messages came. `headBefore` is the head without them; `seen`: they came into view under the reader's eyes. */
  | { type: 'arrived'; readSeq: number; headBefore: number; seen: boolean }
  | { type: 'sent' }

/**
 * The `seq` above which everything was read when the reader last looked; the line stands under it. It stays while one reads on,
 * so that one sees where one was, and goes when one answers.
 */
export function unreadLine(after: number | undefined, event: UnreadLineEvent): number | undefined {
  switch (event.type) {
    case 'opened':
      return event.unread > 0 ? event.readSeq : undefined
    case 'arrived':
      if (event.seen) return after
      return after === undefined || event.readSeq >= event.headBefore ? event.readSeq : after
    case 'sent':
      return undefined
    default:
      return event satisfies never
  }
}
