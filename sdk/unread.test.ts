import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { ConversationItem, Entry, MessageEntry } from '@parley/protocol/conversation'
import fc from 'fast-check'
import { openParley, PASSWORD, type Parley, register, settled, signIn, until } from './parley.fixture.ts'
import type { ParleyClient } from './types.ts'

/** Some messages disappear while the devices are looked at. */
const SHORT_MS = 400
const LIMITS = {
  PARLEY_LIMIT_DISAPPEAR_LEAST_MS: String(SHORT_MS),
  PARLEY_LIMIT_CONTACT_CHANGES_PER_USER: '100000',
  PARLEY_LIMIT_LOOK_UPS_PER_USER: '100000',
}

const NAMES = ['ann', 'bob', 'cat'] as const
type Name = (typeof NAMES)[number]

/** Ann and bob have two devices each. */
const DEVICES: readonly Name[] = ['ann', 'ann', 'bob', 'bob', 'cat']

const onDevice = fc.nat({ max: DEVICES.length - 1 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const where = fc.constantFrom('group' as const, 'group' as const, 'direct' as const)
const text = fc.constantFrom('hello', 'hello', '@ann hello', '@bob hello', '@all hello')

const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), on: onDevice, where, text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), on: onDevice, where, share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read by http' as const), on: onDevice, where, share }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), on: onDevice, where, share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edit' as const), on: onDevice, where, share, text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hide' as const), on: onDevice, where, share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const), on: onDevice, where }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), on: onDevice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('return' as const), on: onDevice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('begin anew' as const), on: onDevice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('in or out' as const), who: fc.constantFrom('bob', 'cat') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('timer' as const), on: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('block' as const), by: fc.constantFrom('ann', 'bob'), on: fc.boolean() }),
  },
)
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

test('whatever is said, read, deleted and gone, every device shows as many unread as the server says and a new device finds (I15)', {
  timeout: 120_000,
}, async (t) => {
  const town = await openTown(t)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 2 }),
      async (rounds) => {
        const group = await town.newGroup()
        for (const acts of rounds) {
          for (const each of acts) await town.act(each, group)
          await town.agree(group)
        }
        await town.makeUp()
      },
    ),
    // What fails here waited for seconds: to look for a smaller case would outlast the test and hide the failure.
    { numRuns: 8, endOnFailure: true },
  )
})

test('mentions by someone whom one blocks count no more, on a device that holds them and on one that has only heard how many', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [anns, phone] = [await signIn(t, parley, ann), await signIn(t, parley, bob)]
  const { id } = await anns.createGroup('Tea', [bob.id])
  for (let n = 0; n < 3; n++) await anns.send({ conversationId: id }, '@bob hello')
  await settled(anns)
  const counts = (client: ParleyClient): string => {
    const me = client.conversations.get()[0]?.me
    return `${me?.unread} ${me?.mentions}`
  }
  await until(phone, 'all of it', () => counts(phone) === '3 3')
  const tablet = await signIn(t, parley, bob)
  assert.equal(counts(tablet), '3 3')
  await phone.contacts.block(ann.id)
  for (const client of [phone, tablet]) await until(client, 'none of hers', () => counts(client) === '3 0')
  await tablet.contacts.unblock(ann.id)
  for (const client of [phone, tablet]) await until(client, 'hers again', () => counts(client) === '3 3')
})

async function openTown(t: TestContext) {
  const parley = await openParley(t, LIMITS)
  const people = {
    ann: await person(t, parley, 'ann'),
    bob: await person(t, parley, 'bob'),
    cat: await person(t, parley, 'cat'),
  }
  const { ann, bob } = people
  const devices = await Promise.all(DEVICES.map(newDevice))
  const direct = (await devices[0]!.openDirect(bob.id)).id
  await devices[0]!.send({ conversationId: direct }, 'hello')
  const blocked = new Set<string>()
  /** How far each has read, by conversation and name. */
  const read = new Map<string, number>()

  async function newDevice(name: Name): Promise<ParleyClient> {
    const client = await signIn(t, parley, people[name])
    await client.contacts.load()
    t.after(watchMarks(client))
    return client
  }

  const viewOf = (client: ParleyClient, id: string) => client.conversations.get().find((one) => one.id === id)
  const raise = (id: string, name: Name, seq: number) =>
    read.set(`${id} ${name}`, Math.max(seq, read.get(`${id} ${name}`) ?? 0))

  /** The messages of a conversation as they are, all of them. */
  async function messagesOf(id: string): Promise<MessageEntry[]> {
    const all: MessageEntry[] = []
    for (let before = ''; before !== '&before=1'; before = `&before=${all[0]!.seq}`) {
      const { items } = await ann.get<{ items: MessageEntry[] }>(`/api/conversations/${id}/messages?limit=200${before}`)
      if (items.length === 0) break
      all.unshift(...items)
    }
    return all
  }

  async function act(each: Act, group: string): Promise<void> {
    const client = 'on' in each && typeof each.on === 'number' ? devices[each.on]! : devices[0]!
    const name = 'on' in each && typeof each.on === 'number' ? DEVICES[each.on]! : 'ann'
    const id = 'where' in each && each.where === 'direct' && name !== 'cat' ? direct : group
    const view = viewOf(client, id)
    /** A message that is held there, by its place among all. */
    const pick = (part: number) => {
      const seq = view && view.me.fromSeq + Math.floor(part * (view.headSeq - view.me.fromSeq + 1))
      return seq && seq <= view.headSeq ? seq : undefined
    }
    switch (each.do) {
      case 'send':
        if (view) await client.send({ conversationId: id }, each.text)
        return
      case 'read':
      case 'read by http': {
        const seq = pick(each.share)
        if (!seq) return
        if (each.do === 'read') {
          client.markRead(id, seq)
          raise(id, name, seq)
        } else if (await people[name].post(`/api/conversations/${id}/receipts`, { readSeq: seq })) raise(id, name, seq)
        return
      }
      case 'delete':
      case 'edit': {
        const messages = client.timeline(id).get().messages
        const message = messages[Math.floor(each.share * messages.length)]
        if (!message || message.deleted) return
        if (each.do === 'delete' && (message.mine || (name === 'ann' && id === group))) await client.delete(message)
        if (each.do === 'edit' && message.mine) await client.edit(message, each.text)
        return
      }
      case 'hide': {
        const seq = pick(each.share)
        if (seq) client.conversation(id).hide([seq])
        return
      }
      case 'look':
        await client
          .timeline(id)
          .open()
          .catch(() => {})
        return
      case 'leave':
        return client.disconnect()
      case 'return':
        return client.connect()
      case 'begin anew':
        // One that holds nothing but the newest message, and has the rest from what the server counted.
        client.connect()
        await settled(client)
        await client.logout()
        devices[each.on] = await newDevice(name)
        return
      case 'cut':
        return parley.cut()
      case 'in or out': {
        const { id: userId } = people[each.who as Name]
        const path = `/api/conversations/${group}/members`
        const { items } = await ann.get<{ items: { userId: string }[] }>(path)
        if (!items.some((one) => one.userId === userId)) return void (await ann.post(path, { userIds: [userId] }))
        await ann.ask('DELETE', `${path}/${userId}`)
        return
      }
      case 'timer':
        await ann.ask('PUT', `/api/conversations/${group}/timer`, { afterMs: each.on ? SHORT_MS : null })
        return
      case 'block': {
        const [by, other] = each.by === 'ann' ? [ann, bob] : [bob, ann]
        await by.ask(each.on ? 'PUT' : 'DELETE', `/api/user/contacts/${other.id}/block`)
        if (each.on) blocked.add(`${by.id} ${other.id}`)
        else blocked.delete(`${by.id} ${other.id}`)
        return
      }
      default:
        each satisfies never
    }
  }

  /** What there is to be seen, by the log and by who read how far. */
  async function expected(id: string, name: Name) {
    const { id: me } = people[name]
    const { items: entries } = await ann.get<{ items: Entry[] }>(`/api/conversations/${id}/log?after=0&limit=200`)
    let fromSeq: number | undefined
    if (id === direct) fromSeq = 1
    for (const entry of entries) {
      if (entry.kind === 'created' && id !== direct && entry.members.some(({ userId }) => userId === me)) fromSeq = 1
      if (entry.kind === 'members.added' && entry.userIds.includes(me)) fromSeq = entry.headSeq + 1
      if (entry.kind === 'members.removed' && entry.userIds.includes(me)) fromSeq = undefined
    }
    if (fromSeq === undefined) return undefined
    const after = Math.max(read.get(`${id} ${name}`) ?? 0, fromSeq - 1)
    const unread = (await messagesOf(id)).filter(
      // What is to disappear has, by the time that all are held to it.
      ({ seq, senderId, deleted, expiresAt }) => seq > after && senderId !== me && !deleted && !expiresAt,
    )
    const naming = unread.filter(
      ({ mentions, mentionsAll, senderId }) =>
        (mentions?.includes(me) || mentionsAll) && !blocked.has(`${me} ${senderId}`),
    )
    return { unread: unread.length, mentions: naming.length }
  }

  /** All are back, and have heard and said all. */
  async function quiet(): Promise<void> {
    for (const client of devices) client.connect()
    for (let round = 0; round < 2; round++) for (const client of devices) await settled(client)
  }

  const countsOf = (item: { me: { unread: number; mentions: number } } | undefined) =>
    item && { unread: item.me.unread, mentions: item.me.mentions }

  async function agree(group: string): Promise<void> {
    await quiet()
    for (const id of [group, direct])
      for (const name of NAMES) {
        if (id === direct && name === 'cat') continue
        const shown = JSON.stringify(await expected(id, name))
        for (const [n, client] of devices.entries()) {
          if (DEVICES[n] !== name) continue
          const told = () => JSON.stringify(countsOf(viewOf(client, id)))
          await until(client, `device ${n} of ${name} shows ${shown}`, () => told() === shown).catch((error) => {
            throw new Error(`${error.message}, not ${told()}`)
          })
        }
        const { items } = await people[name].get<{ items: ConversationItem[] }>('/api/conversations?limit=200')
        assert.equal(JSON.stringify(countsOf(items.find((one) => one.id === id))), shown, `the list of ${name}`)
      }
    for (const name of NAMES) {
      const fresh = await newDevice(name)
      for (const id of [group, direct])
        assert.deepEqual(
          countsOf(viewOf(fresh, id)),
          id === direct && name === 'cat' ? undefined : await expected(id, name),
          `a new device of ${name}`,
        )
      await fresh.logout()
    }
  }

  return {
    act,
    agree,
    async newGroup() {
      const { id } = await ann.post<ConversationItem>('/api/conversations', {
        title: 'Us',
        memberIds: [people.bob.id, people.cat.id],
      })
      await quiet()
      return id
    },
    async makeUp() {
      for (const [by, other] of [
        [ann, bob],
        [bob, ann],
      ] as const)
        await by.ask('DELETE', `/api/user/contacts/${other.id}/block`)
      blocked.clear()
      for (const client of devices)
        for (const { id, refused } of client.outbox.get()) if (refused) await client.discard(id)
    },
  }
}

/** Fails when a mark goes back that the device has shown. */
function watchMarks(client: ParleyClient): () => void {
  const shown = new Map<string, number>()
  return client.conversations.subscribe(() => {
    for (const { id, me, marks = [] } of client.conversations.get())
      for (const mark of [{ userId: 'me', deliveredSeq: me.deliveredSeq, readSeq: me.readSeq }, ...marks])
        for (const kind of ['deliveredSeq', 'readSeq'] as const) {
          const key = `${id} ${mark.userId} ${kind}`
          assert.ok(mark[kind] >= (shown.get(key) ?? 0), `${key} goes back to ${mark[kind]}`)
          shown.set(key, mark[kind])
        }
  })
}

/** Someone who speaks plain HTTP beside the devices. */
async function person(t: TestContext, parley: Parley, username: string) {
  const { email, id } = await register(t, parley, username)
  const login = await fetch(`${parley.url}/api/user/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD, tokens: 'body' }),
  })
  const { token } = (await login.json()) as { token: string }
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    // `cut` resets this connection like any other.
    for (let tries = 1; ; tries++)
      try {
        const reply = await fetch(parley.url + path, {
          method,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        return (await reply.json().catch(() => undefined)) as T
      } catch (error) {
        if (tries === 3) throw error
      }
  }
  return {
    username,
    email,
    id,
    ask,
    get: <T>(path: string) => ask<T>('GET', path),
    post: <T>(path: string, body: unknown) => ask<T>('POST', path, body),
  }
}
