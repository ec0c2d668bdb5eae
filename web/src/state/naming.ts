import type { MemberItem } from '@parley/protocol/conversation'
import { foldName } from '@parley/protocol/fold-name'
import { ALL, mentionsIn } from '@parley/protocol/mentions'
import { isFoundBy } from '@parley/protocol/name-words'
import { may } from '@parley/protocol/rights'
import type { ConversationView } from '@parley/sdk/types'

/** A stretch of plain text, or a name in it: of everybody or of a member; `me` where that means oneself. */
export type Stretch = { text: string; named?: 'me' | 'other' }

/** Whom a message names, as far as it is shown. */
export interface NamesShown {
  mentions?: readonly string[] | undefined
  mentionsAll?: true | undefined
}

/** The text with the names in it that the server found; a name that is not known here stays text. */
export function withNames(
  text: string,
  { mentions = [], mentionsAll }: NamesShown,
  nameOf: (userId: string) => string | undefined,
  meId: string,
): Stretch[] {
  if ((mentions.length === 0 && !mentionsAll) || !text.includes('@')) return [{ text }]
  const ids = new Map(
    mentions.flatMap((id) => (nameOf(id) === undefined ? [] : [[foldName(nameOf(id)!), id] as const])),
  )
  if (mentionsAll) ids.set(ALL, ALL)
  const stretches: Stretch[] = []
  let end = 0
  for (const { from, to, id } of mentionsIn(text, (name) => ids.get(name))) {
    if (from > end) stretches.push({ text: text.slice(end, from) })
    stretches.push({ text: text.slice(from, to), named: id === meId || id === ALL ? 'me' : 'other' })
    end = to
  }
  if (end < text.length) stretches.push({ text: text.slice(end) })
  return stretches
}

/** The name that is being written before `caret`, and where its `@` stands. */
export interface Naming {
  from: number
  written: string
}

const BEGUN = /(?:^|[^\p{L}\p{M}\p{N}_.+\-/@=&?%])@([\p{L}\p{M}\p{N}._-]{0,32})$/u

/** Undefined where no name is being written. */
export function namingAt(text: string, caret: number): Naming | undefined {
  const written = BEGUN.exec(text.slice(Math.max(0, caret - 40), caret))?.[1]
  return written === undefined ? undefined : { from: caret - written.length - 1, written }
}

/** Who may be meant: what is written after the `@`, and what that person is shown as where it is another name. */
export interface Candidate {
  name: string
  displayName?: string
}

/**
 * Members by the beginning of their user names, those by words of the names that they are `shownAs`, and everybody, where one may name
 * everybody. At most six.
 */
export function candidates(
  { written }: Naming,
  members: readonly MemberItem[],
  conversation: Pick<ConversationView, 'kind' | 'me'>,
  meId: string,
  shownAs: (userId: string, username: string) => string,
): Candidate[] {
  const begins = foldName(written)
  const all = may(conversation.me.role, conversation.kind, 'mention.all') && ALL.startsWith(begins) ? [ALL] : []
  const others = members
    .filter(({ userId, deleted }) => userId !== meId && !deleted)
    .map(({ userId, username }) => ({ name: username, displayName: shownAs(userId, username) }))
    .sort((a, b) => a.name.localeCompare(b.name))
  const byUserName = others.filter(({ name }) => foldName(name).startsWith(begins))
  const byWords = others.filter(
    (one) => !byUserName.includes(one) && isFoundBy({ username: one.name, displayName: one.displayName }, written),
  )
  const people = [...byUserName, ...byWords].map(({ name, displayName }) =>
    displayName === name ? { name } : { name, displayName },
  )
  return [...people, ...all.map((name) => ({ name }))].slice(0, 6)
}
