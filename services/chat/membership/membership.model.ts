import assert from 'node:assert/strict'
import type { Entry, Role } from '@parley/protocol/conversation'
import { may, mayRemove } from '@parley/protocol/rights'
import type { PublicUser } from '@parley/protocol/user'
import fc from 'fast-check'
import type { Reply, TestChat } from '../chat.fixture.ts'
import { applyEntry, type Conversation } from '../conversation.ts'

const CROWD = 5
const person = fc.nat({ max: CROWD - 1 })
/** The first owns the group at the beginning, and the second is an admin. */
const leader = fc.oneof(fc.nat({ max: 1 }), person)

/** Something that one of five asks of the group that they are, or were, in. */
const act = fc.oneof(
  fc.record({ do: fc.constant('add' as const), by: person, who: person }),
  fc.record({ do: fc.constant('remove' as const), by: leader, who: person }),
  person.map((who) => ({ do: 'remove' as const, by: who, who })),
  fc.record({
    do: fc.constant('role' as const),
    by: leader,
    who: person,
    role: fc.constantFrom<Role>('owner', 'owner', 'admin', 'member'),
  }),
  fc.record({ do: fc.constant('say' as const), by: person }),
)
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

/**
 * Rounds of things that are asked for at once, of several nodes on one store. However they fall: the log is one sequence of what
 * those who may do had asked for, with one owner always; each answer is true of some moment of its round (I25); and each sees
 * the messages from the latest join on, and nothing at all once they are out (I11).
 */
export async function membershipHolds(chats: readonly TestChat[], numRuns: number): Promise<void> {
  const { users } = chats[0]!
  const rounds = fc.array(fc.array(act, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const crowd = Array.from({ length: CROWD }, (_, n) => users.add(`person-${n}`))
      const [owner, ...others] = crowd as [PublicUser, ...PublicUser[]]
      const memberIds = others.slice(0, 3).map(({ id }) => id)
      const made = await chats[0]!.request(owner, 'POST', '/api/conversations', { title: 'G', memberIds })
      const id = made.body.id as string
      await ask(chats[0]!, crowd, id, { do: 'role', by: 0, who: 1, role: 'admin' })
      for (const acts of all) {
        const before = await statesOf(chats[0]!, id)
        const replies = await Promise.all(acts.map((each, n) => ask(chats[n % chats.length]!, crowd, id, each)))
        const states = await statesOf(chats.at(-1)!, id)
        assertLegal(states)
        const during = states.slice(before.length - 1)
        for (const [n, each] of acts.entries()) assertTrue(each, replies[n]!, during, crowd)
        for (const [n, one] of crowd.entries())
          await assertWindow(chats[n % chats.length]!, one, id, states.at(-1)!.after)
      }
    }),
    { numRuns },
  )
}

function ask(chat: TestChat, crowd: PublicUser[], id: string, each: Act): Promise<Reply> {
  const by = crowd[each.by]!
  const path = `/api/conversations/${id}/members`
  switch (each.do) {
    case 'add':
      return chat.request(by, 'POST', path, { userIds: [crowd[each.who]!.id] })
    case 'remove':
      return chat.request(by, 'DELETE', `${path}/${crowd[each.who]!.id}`)
    case 'role':
      return chat.request(by, 'PUT', `${path}/${crowd[each.who]!.id}/role`, { role: each.role })
    case 'say':
      return chat.request(by, 'POST', '/api/messages/send', { receiverId: id, message: 'hello' })
    default:
      return each satisfies never
  }
}

interface State {
  entry: Entry
  before: Conversation | undefined
  after: Conversation
}

/** What each entry of the log made of the conversation. */
async function statesOf({ store }: TestChat, id: string): Promise<State[]> {
  const states: State[] = []
  for (const entry of await store.log.readEntries(id, 1, 200)) {
    const before = states.at(-1)?.after
    states.push({ entry, before, after: applyEntry(before, entry) })
  }
  return states
}

function assertLegal(states: readonly State[]): void {
  for (const { entry, before, after } of states) {
    const owners = [...after.members.values()].filter(({ role }) => role === 'owner').length
    assert.equal(owners, after.members.size > 0 ? 1 : 0, `one owner after entry ${entry.rev}`)
    if (!before) continue
    const me = before.members.get(entry.senderId)
    assert.ok(me, `entry ${entry.rev} is of a member`)
    if (entry.kind === 'members.added')
      for (const userId of entry.userIds) assert.ok(!before.members.has(userId), `entry ${entry.rev} adds someone new`)
    if (entry.kind === 'members.removed')
      for (const userId of entry.userIds)
        assert.ok(
          userId === entry.senderId || mayRemove(me.role, before.members.get(userId)!.role),
          `entry ${entry.rev} is of who may remove`,
        )
    if (entry.kind === 'members.role') {
      assert.equal(me.role, 'owner', `entry ${entry.rev} is of the owner`)
      assert.notEqual(before.members.get(entry.userId)?.role, entry.role, `entry ${entry.rev} changes something`)
    }
  }
}

/** There was a moment in the round at which that is what one is answered. */
function assertTrue(each: Act, reply: Reply, during: readonly State[], crowd: readonly PublicUser[]): void {
  const by = crowd[each.by]!.id
  const stored = ({ entry }: State) => entry.kind === 'message' && entry.senderId === by && entry.seq === reply.body.seq
  const holds =
    each.do === 'say' && reply.status === 201
      ? during.some(stored)
      : during.some(({ after }) => isTrue(each, reply, after, by, each.do === 'say' ? by : crowd[each.who]!.id))
  assert.ok(holds, `${JSON.stringify(each)} is answered ${reply.status} ${JSON.stringify(reply.body)}`)
}

function isTrue(each: Act, { status, body }: Reply, moment: Conversation, by: string, target: string): boolean {
  const [role, other] = [by, target].map((userId) => moment.members.get(userId)?.role)
  if (status < 300)
    return each.do === 'add' ? other !== undefined : each.do === 'role' ? other === each.role : other === undefined
  if (body.code === 'not_found') return !role || (each.do === 'role' && !other)
  if (body.code !== 'action.forbidden' || !role) return false
  if (each.do === 'role') return role !== 'owner' || other === 'owner'
  if (each.do === 'remove') return !mayRemove(role, other ?? 'member')
  return !may(role, 'group', each.do === 'add' ? 'members.add' : 'message.send')
}

/** By page, log and list one sees the same: from the latest join on, or nothing. */
async function assertWindow(chat: TestChat, one: PublicUser, id: string, now: Conversation): Promise<void> {
  const me = now.members.get(one.id)
  const [page, log, item] = await Promise.all(
    [`/messages?limit=200`, '/log?after=0&limit=200', ''].map((path) =>
      chat.request(one, 'GET', `/api/conversations/${id}${path}`),
    ) as [Promise<Reply>, Promise<Reply>, Promise<Reply>],
  )
  assert.deepEqual([page.status, log.status, item.status], me ? [200, 200, 200] : [404, 404, 404])
  if (!me) return
  const seqs = Array.from({ length: now.headSeq - me.fromSeq + 1 }, (_, n) => me.fromSeq + n)
  assert.deepEqual(
    page.body.items.map(({ seq }: { seq: number }) => seq),
    seqs,
  )
  const revs = Array.from({ length: now.rev - me.fromRev + 1 }, (_, n) => me.fromRev + n)
  assert.deepEqual(
    log.body.items.map(({ rev }: { rev: number }) => rev),
    revs,
  )
  assert.deepEqual([item.body.me.role, item.body.me.fromSeq], [me.role, me.fromSeq])
}
