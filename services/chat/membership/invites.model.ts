import assert from 'node:assert/strict'
import type { Entry } from '@parley/protocol/conversation'
import type { PublicUser } from '@parley/protocol/user'
import fc from 'fast-check'
import type { Reply, TestChat } from '../chat.fixture.ts'
import { applyEntry, type Conversation } from '../conversation.ts'

const CROWD = 6
const person = fc.nat({ max: CROWD - 1 })
/** The first owns the group at the beginning, and the second is an admin. */
const leader = fc.oneof(fc.nat({ max: 1 }), fc.nat({ max: 1 }), person)
/** One of the invites that were made before this round, the latest at 0. */
const which = fc.nat({ max: 2 })

const act = fc.oneof(
  fc.record({ do: fc.constant('invite' as const), by: leader, maxUses: fc.option(fc.integer({ min: 1, max: 2 })) }),
  fc.record({ do: fc.constant('join' as const), by: person, which }),
  fc.record({ do: fc.constant('join' as const), by: person, which }),
  fc.record({ do: fc.constant('join' as const), by: person, which }),
  fc.record({ do: fc.constant('revoke' as const), by: leader, which }),
  fc.record({ do: fc.constant('remove' as const), by: leader, who: person }),
  person.map((who) => ({ do: 'remove' as const, by: who, who })),
  fc.record({ do: fc.constant('add' as const), by: leader, who: person }),
  fc.record({ do: fc.constant('demote' as const), by: fc.constant(0), who: person }),
)
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never
interface Made {
  id: string
  code: string
}

/**
 * Rounds of invites made, used and taken back at once, of several nodes on one store, while members come and go. However they fall, as
 * the log says it: only who leads makes and revokes; no invite lets in more than it may, nobody after it was revoked, and nobody whom
 * another removed and none put in again; and each answer is true of some moment of its round.
 */
export async function invitesHold(chats: readonly TestChat[], numRuns: number): Promise<void> {
  const { users } = chats[0]!
  const rounds = fc.array(fc.array(act, { minLength: 1, maxLength: 7 }), { minLength: 2, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const crowd = Array.from({ length: CROWD }, (_, n) => users.add(`person-${n}`))
      const [owner, admin] = crowd as [PublicUser, PublicUser]
      const made = await chats[0]!.request(owner, 'POST', '/api/conversations', { title: 'G', memberIds: [admin.id] })
      const id = made.body.id as string
      const path = `/api/conversations/${id}`
      await chats[0]!.request(owner, 'PUT', `${path}/members/${admin.id}/role`, { role: 'admin' })
      const first = await chats[0]!.request(owner, 'POST', `${path}/invites`, { maxUses: 2 })
      const invites: Made[] = [first.body]
      for (const acts of all) {
        const before = (await logOf(chats[0]!, id)).length
        const known = invites.toReversed()
        const asked = acts.map((each, n) => ask(chats[n % chats.length]!, crowd, path, each, known, n))
        const replies = await Promise.all(asked)
        for (const [n, { do: what }] of acts.entries())
          if (what === 'invite' && replies[n]?.status === 201) invites.push(replies[n].body)
        const states = legalStates(await logOf(chats.at(-1)!, id))
        const during = states.slice(before - 1)
        for (const [n, each] of acts.entries()) {
          const reply = replies[n]
          // Who came in and went at once may be answered after that.
          const came = during.some(({ group }) => group.members.has(crowd[each.by]!.id))
          const holds = during.some((state) => !reply || isTrue(each, reply, state, crowd, known, came))
          assert.ok(holds, `${JSON.stringify(each)} is answered ${reply?.status} ${JSON.stringify(reply?.body)}`)
        }
      }
    }),
    { numRuns },
  )
}

function ask(
  chat: TestChat,
  crowd: readonly PublicUser[],
  path: string,
  each: Act,
  known: readonly Made[],
  n: number,
): Promise<Reply | undefined> {
  const by = crowd[each.by]!
  const request = (method: string, to: string, body?: object) =>
    chat.request(by, method, to, body, {}, n % chat.nodes.length)
  switch (each.do) {
    case 'invite':
      return request('POST', `${path}/invites`, { maxUses: each.maxUses })
    case 'join': {
      const code = known[each.which]?.code
      return code ? request('POST', `/api/invites/${code}/join`) : Promise.resolve(undefined)
    }
    case 'revoke': {
      const inviteId = known[each.which]?.id
      return inviteId ? request('DELETE', `${path}/invites/${inviteId}`) : Promise.resolve(undefined)
    }
    case 'remove':
      return request('DELETE', `${path}/members/${crowd[each.who]!.id}`)
    case 'add':
      return request('POST', `${path}/members`, { userIds: [crowd[each.who]!.id] })
    case 'demote':
      return request('PUT', `${path}/members/${crowd[each.who]!.id}/role`, { role: 'member' })
    default:
      return each satisfies never
  }
}

const logOf = ({ store }: TestChat, id: string): Promise<Entry[]> => store.log.readEntries(id, 1, 200)

/** The group after an entry, and what is counted here beside what `applyEntry` counts. */
interface State {
  group: Conversation
  /** By invite: how many it may let in, and how many came. */
  terms: ReadonlyMap<string, { maxUses: number | null; uses: number }>
  revoked: ReadonlySet<string>
  barred: ReadonlySet<string>
}

/** Whether that one may come in by that invite. */
function letsIn({ group, terms, revoked, barred }: State, inviteId: string, userId: string): boolean {
  const of = terms.get(inviteId)
  // With the last member the group has ended.
  if (group.members.size === 0) return false
  return (
    of !== undefined && !revoked.has(inviteId) && !barred.has(userId) && (of.maxUses === null || of.uses < of.maxUses)
  )
}

function legalStates(log: readonly Entry[]): State[] {
  const states: State[] = []
  for (const entry of log) {
    const before = states.at(-1)
    const group = applyEntry(before?.group, entry)
    const next = {
      group,
      terms: new Map(before?.terms),
      revoked: new Set(before?.revoked),
      barred: new Set(before?.barred),
    }
    states.push(next)
    if (!before) continue
    const role = before.group.members.get(entry.senderId)?.role
    switch (entry.kind) {
      case 'invite.created':
        assert.ok(role === 'owner' || role === 'admin', `entry ${entry.rev} is of who leads`)
        next.terms.set(entry.inviteId, { maxUses: entry.maxUses, uses: 0 })
        break
      case 'invite.revoked':
        assert.ok(role === 'owner' || role === 'admin', `entry ${entry.rev} is of who leads`)
        assert.ok(!before.revoked.has(entry.inviteId), `entry ${entry.rev} revokes something`)
        next.revoked.add(entry.inviteId)
        break
      case 'members.added': {
        for (const userId of entry.userIds) next.barred.delete(userId)
        if (entry.inviteId === undefined) {
          assert.ok(role, `entry ${entry.rev} is of a member`)
          break
        }
        assert.deepEqual(entry.userIds, [entry.senderId])
        assert.equal(role, undefined, `entry ${entry.rev} brings someone new`)
        assert.ok(letsIn(before, entry.inviteId, entry.senderId), `entry ${entry.rev} is of who may come in`)
        const { maxUses, uses } = before.terms.get(entry.inviteId)!
        next.terms.set(entry.inviteId, { maxUses, uses: uses + 1 })
        break
      }
      case 'members.removed':
        for (const userId of entry.userIds) if (userId !== entry.senderId) next.barred.add(userId)
        break
      default:
        break
    }
    const owners = [...group.members.values()].filter((one) => one.role === 'owner').length
    assert.equal(owners, group.members.size > 0 ? 1 : 0)
  }
  return states
}

/** Of what invites are asked; the rest is for `membershipHolds`. */
function isTrue(
  each: Act,
  { status, body }: Reply,
  state: State,
  crowd: readonly PublicUser[],
  known: readonly Made[],
  came: boolean,
): boolean {
  const by = crowd[each.by]!.id
  const role = state.group.members.get(by)?.role
  const leads = role === 'owner' || role === 'admin'
  const refused = body?.code === 'not_found' ? !role : body?.code === 'action.forbidden' ? role === 'member' : false
  if (each.do === 'invite') return status === 201 ? leads || state.terms.has(body.id) : refused
  if (each.do === 'revoke') return status === 204 ? leads || state.revoked.has(known[each.which]!.id) : refused
  if (each.do !== 'join') return true
  if (status === 200) return role !== undefined
  return status === 404 && !role && (came || !letsIn(state, known[each.which]!.id, by))
}
