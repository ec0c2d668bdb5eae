import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { CLIENT_EVENTS, SERVER_EVENTS } from './channels.ts'
import type * as contact from './contact.ts'
import type * as conversation from './conversation.ts'
import type * as fault from './fault.ts'
import { FAULT_STATUS } from './fault.ts'
import type * as own from './own.ts'
import type * as problem from './problem.ts'
import { Problem } from './problem.ts'
import type * as profile from './profile.ts'
import type * as replies from './replies.ts'
import type * as search from './search.ts'
import type * as settings from './settings.ts'
import type * as socket from './socket.ts'
import type { TimelineEvent } from './timeline-event.ts'
import type * as user from './user.ts'

// Types that are written for programs, and schemas that the documents are made of: neither may say what the other does not.

/** True where both are the same type; a line below that does not compile names two that have gone apart. */
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false
/** A type written out, since an intersection and the object it makes are otherwise not the same. */
type Plain<T> = T extends readonly (infer E)[] ? Plain<E>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T
type Schema<S extends z.ZodType, T> = Same<z.output<S>, T>

type Agreed = [
  Schema<typeof replies.OwnUser, user.OwnUser>,
  Schema<typeof replies.PublicUser, user.PublicUser>,
  Schema<typeof replies.Profile, profile.Profile>,
  Schema<typeof replies.ProfileView, profile.ProfileView>,
  Schema<typeof replies.SessionItem, user.SessionItem>,
  Schema<typeof replies.RegisterReply, user.RegisterReply>,
  Schema<typeof replies.LoginReply, user.LoginReply>,
  Schema<typeof replies.ContactItem, contact.ContactItem>,
  Schema<typeof replies.ContactPage, contact.ContactPage>,
  Schema<typeof replies.MessageEntry, conversation.MessageEntry>,
  Schema<typeof replies.MessageVersions, { items: conversation.MessageVersion[] }>,
  Schema<typeof replies.ChangeEntry, conversation.ChangeEntry>,
  Schema<typeof replies.TimelineEvent, TimelineEvent>,
  Schema<typeof replies.Entry, conversation.Entry>,
  Schema<typeof replies.Marks, conversation.Marks>,
  Schema<typeof replies.Settings, settings.Settings>,
  Schema<typeof replies.MemberItem, conversation.MemberItem>,
  Schema<typeof replies.ConversationItem, conversation.ConversationItem>,
  Schema<typeof replies.InviteItem, conversation.InviteItem>,
  Schema<typeof replies.InvitePreview, conversation.InvitePreview>,
  Schema<typeof replies.ConversationGone, conversation.ConversationGone>,
  Schema<typeof replies.SyncPage, conversation.SyncPage>,
  Schema<typeof replies.LogPage, conversation.LogPage>,
  Schema<typeof replies.MessagePage, conversation.MessagePage>,
  Schema<typeof replies.SearchPage, search.SearchPage>,
  Schema<typeof replies.StarredPage, conversation.StarredPage>,
  Schema<typeof replies.OwnMark, own.OwnMark>,
  Schema<typeof replies.OwnChanged, own.OwnChanged>,
  Schema<typeof replies.OwnPage, own.OwnPage>,
  Schema<typeof replies.SendReply, socket.SendReply>,
  Schema<typeof replies.PresenceItem, socket.PresenceItem>,
  Schema<typeof problem.Problem, fault.Problem>,
]

/** Of each event that the server tells: its schema against its type. */
type Told = {
  [E in keyof typeof SERVER_EVENTS]: Schema<(typeof SERVER_EVENTS)[E]['data'], Parameters<socket.ServerEvents[E]>[0]>
}

const agreed: AllTrue<Agreed> = true
const told: Told[keyof Told] = true
type AllTrue<T extends boolean[]> = T[number] extends true ? true : never

test('types and schemas of what is answered and told agree', () => assert.ok(agreed && told))

test('the schema of a refusal has every code there is', () => {
  assert.deepEqual(Problem.shape.code.options, Object.keys(FAULT_STATUS))
})

test('every event that is asked or told has a summary that is a sentence', () => {
  for (const { summary } of [...Object.values(CLIENT_EVENTS), ...Object.values(SERVER_EVENTS)])
    assert.match(summary, /^[A-Z].*\.$/)
})
