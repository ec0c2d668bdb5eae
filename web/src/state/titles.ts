import { foldText, hasAll } from '@parley/protocol/fold'
import type { ConversationView, Person } from '@parley/sdk/types'
import { nameOf, otherOf } from './people.ts'

/** What is known of people, by id. */
export type KnownPeople = ReadonlyMap<string, Person>

/** The name by which a person is shown; the user name is what it is where nothing else was chosen. Who has deleted the account has none. */
export function shownName(people: KnownPeople, userId: string | undefined, username: string): string {
  const person = userId === undefined ? undefined : people.get(userId)
  return nameOf(person?.deleted ? '' : username && (person?.displayName || username))
}

/** What a conversation is called, everywhere: a group as it is named, a direct one as the other is shown. */
export const titleOf = (conversation: ConversationView, people: KnownPeople, meId: string): string =>
  shownName(people, otherOf(conversation, meId), conversation.title)

/** Those in whose title, or in whose other's user name, all of the folded `terms` are; in their order. */
export function titled(
  all: readonly ConversationView[],
  terms: readonly string[],
  people: KnownPeople,
  meId: string,
): ConversationView[] {
  const names = (one: ConversationView): string => `${titleOf(one, people, meId)} ${one.title}`
  return all.filter((one) => hasAll(foldText(names(one)), terms))
}
