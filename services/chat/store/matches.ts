import { foldText, hasAll } from '@parley/protocol/fold'
import type { MessageSearch } from './store.ts'

/** In every text with a link, folded. */
export const LINK_TERM = '://'
const LINK = /\bhttps?:\/\/[^\s/]/i

/** Is a message with that text, sender and time (in milliseconds) what is looked for? Membership is another question. A deleted one has no text. */
export function matches(
  { terms, senderIds, before, since, link }: MessageSearch,
  text: string,
  senderId: string,
  at: number,
): boolean {
  if (text === '' || (before !== undefined && at >= before) || (since !== undefined && at < since)) return false
  if (senderIds && !senderIds.includes(senderId)) return false
  if (link && !LINK.test(text)) return false
  return terms.length === 0 || hasAll(foldText(text), terms)
}

/** Does a conversation of that title belong to what is looked in? Direct ones, which have none, are named by id. */
export const isNamed = (title: string, titles: readonly string[]): boolean => {
  const folded = foldText(title)
  return titles.some((wanted) => folded.includes(wanted))
}
