import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openLog } from '@parley/kit/log'
import { type Conversation, NOTHING_MORE } from '../conversation.ts'
import { packetOf } from '../socket/packet.ts'
import { type Device, openLanes } from './lanes.ts'

test('a small conversation is told before the call returns', () => {
  const { lanes, group, heard, say } = told()
  const small = group('small', 256)
  assert.equal(say(small, 1), undefined)
  assert.equal(heard('small').length, 256)
  lanes[Symbol.dispose]()
})

test('while a large conversation is told, others are told at once, and large ones take turns', async () => {
  const { group, heard, say, all } = told()
  const [huge, large, small] = [group('huge', 10_000), group('large', 2_000), group('small', 2)]
  for (const each of [huge, large]) assert.equal(say(each, 1), undefined)
  say(small, 1)
  assert.equal(heard('small').length, 2)
  assert.ok(heard('huge').length < 500, 'one slice of it')
  assert.equal(heard('large').length, 0, 'one slice in a turn')
  await all(large)
  assert.equal(heard('large').length, 2_000)
  const share = heard('huge').length
  assert.ok(share > 1_000 && share < 5_000, `both had their share of the turns: ${share}`)
  say(small, 2)
  assert.equal(heard('small').length, 4)
  await all(huge)
  assert.equal(heard('huge').length, 10_000)
})

test('each device hears what is said in a conversation in its order, also what is said while it is being told', async () => {
  const { group, heard, say, mark, all } = told()
  const large = group('large', 3_000)
  for (let rev = 1; rev <= 20; rev++) {
    if (rev % 7 === 0) mark(large, rev)
    else say(large, rev)
    if (rev % 5 === 0) await turn()
  }
  await all(large)
  const byDevice = Map.groupBy(heard('large'), ({ device }) => device)
  assert.equal(byDevice.size, 3_000)
  for (const news of byDevice.values())
    assert.deepEqual(
      news.map(({ rev }) => rev),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
})

test('the device that sent it, and members who joined later, are left out of a large telling too', async () => {
  const { group, join, heard, say } = told()
  const large = group('large', 1_000)
  say(large, 1, 'large-7')
  say(large, 2, 'large-8')
  join(large.id, 'large-new', 3)
  await say(large, 4)
  const revsOf = (device: string) => heard('large').flatMap((news) => (news.device === device ? [news.rev] : []))
  assert.deepEqual(revsOf('large-7'), [2, 4])
  assert.deepEqual(revsOf('large-8'), [1, 4])
  assert.deepEqual(revsOf('large-new'), [4])
})

test('who is removed while a conversation is being told hears nothing of it any more, until added again', async () => {
  const { lanes, group, leave, join, heard, say, all } = told()
  const large = group('large', 3_000)
  const last = 'large-2999'
  for (const rev of [1, 2]) say(large, rev)
  await turn()
  leave(large.id, last, 3)
  lanes.withhold(large.id, [last], 3)
  await all(large)
  const lastHeard = () => heard('large').flatMap(({ device, rev }) => (device === last ? [rev] : []))
  assert.deepEqual(lastHeard(), [])
  assert.equal(heard('large').length, 2 * 2_999)
  join(large.id, last, 4)
  await say(large, 5)
  assert.deepEqual(lastHeard(), [5])
})

test('news about a member goes to the others, and to nobody when that one is no member any more', async () => {
  for (const size of [5, 1_000]) {
    const { lanes, group, leave, heard, all } = told()
    const large = group('large', size)
    const about = (rev: number, known?: Conversation) =>
      lanes.tell(
        {
          audience: { conversationId: 'large', membersRev: rev, about: 'large-3' },
          packet: packetOf('typed', { rev }),
        },
        known,
        true,
      )
    about(1, large)
    await all(large)
    assert.equal(heard('large').length, size - 1)
    assert.equal(heard('large').filter(({ device }) => device === 'large-3').length, 0)
    leave('large', 'large-3', 2)
    await about(2)
    assert.equal(heard('large').length, size - 1)
  }
})

test('whoever says more in a large conversation than can be told is slowed down', async () => {
  const { group, heard, say } = told()
  const large = group('large', 1_000)
  const slowed = Array.from({ length: 50 }, (_, rev) => say(large, rev + 1))
  assert.equal(slowed[20], undefined)
  await slowed[49]
  assert.equal(heard('large').length, 50_000)
})

test('when more waits than may, members hear the newest, and that there is more where marks were lost', async () => {
  const { lanes, group, heard, say, mark } = told()
  const large = group('large', 1_000)
  const telling = [say(large, 1)]
  for (let rev = 2; rev <= 5_000; rev++) telling.push(rev % 50 === 0 ? mark(large, rev) : say(large, rev))
  await Promise.all(telling)
  const revs = heard('large').flatMap(({ device, rev }) => (device === 'large-999' ? [rev] : []))
  assert.ok(revs.length < 500, `${revs.length} of 5,000`)
  assert.ok(revs.includes('hint'))
  const numbers = revs.filter((rev) => typeof rev === 'number')
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  assert.equal(Math.max(...numbers), 5_000)
  lanes[Symbol.dispose]()
})

test('news that is long waits in no greater amount than news that is short', async () => {
  const { group, heard, say } = told()
  const text = 'x'.repeat(60_000)
  const telling = Array.from({ length: 20 }, (_, number) => group(`large-${number}`, 1_000)).flatMap((large) =>
    Array.from({ length: 100 }, (_, rev) => say(large, rev + 1, undefined, text)),
  )
  await Promise.all(telling)
  const revs = heard('large-19').flatMap(({ device, rev }) => (device === 'large-19-0' ? [rev] : []))
  assert.ok(revs.length < 50, `${revs.length} of 100`)
  assert.equal(revs.at(-1), 100)
})

test('closing gives up what is under way, and whoever waited for it goes on', async () => {
  const { lanes, group, heard, say, all } = told()
  const large = group('large', 10_000)
  say(large, 1)
  const telling = [all(large), all(large)]
  lanes[Symbol.dispose]()
  await Promise.all(telling)
  const count = heard('large').length
  await turn()
  assert.equal(heard('large').length, count)
  assert.ok(count < 10_000)
  assert.equal(say(large, 3), undefined)
})

test('a conversation that cannot be read holds up nothing that comes after', async () => {
  const { broken, group, heard, say, all } = told()
  const large = group('large', 300)
  const newer = { ...large, membersRev: 9 }
  broken.add(large.id)
  await say(newer, 1)
  broken.delete(large.id)
  say(large, 2)
  await all(large)
  assert.equal(heard('large').length, 300)
})

interface Heard {
  device: string
  rev: number | 'hint'
}

/** Lanes over conversations that a test makes, where each member has one device that notes what it hears. */
function told() {
  const conversations = new Map<string, Conversation>()
  const broken = new Set<string>()
  const devices = new Map<string, Set<Device>>()
  const said: Heard[] = []
  const nobody = new Set<Device>()
  const lanes = openLanes({
    rolls: {
      async members(id) {
        if (broken.has(id)) throw new Error('the store is away')
        return conversations.get(id)
      },
    },
    devicesOf: (userId) => devices.get(userId) ?? nobody,
    passOn: () => undefined,
    parts: () => false,
    logger: openLog('test', 'silent'),
  })

  function member(userId: string, fromRev: number) {
    const send = ({ text }: { text: string }): void => {
      const rev = Number(/"rev":(\d+)/.exec(text)?.[1])
      said.push({ device: userId, rev: text.includes('sync.hint') ? 'hint' : rev })
    }
    devices.set(userId, new Set([{ id: userId, writer: { send, sendEphemeral: send } }]))
    return { userId, role: 'member' as const, fromSeq: 1, fromRev }
  }

  function change(id: string, members: Conversation['members'], rev: number): void {
    conversations.set(id, { ...conversations.get(id)!, members, membersRev: rev, rev })
  }

  return {
    lanes,
    broken,
    group(id: string, size: number): Conversation {
      const users = Array.from({ length: size }, (_, index) => `${id}-${index}`)
      const members = new Map(users.map((userId) => [userId, member(userId, 1)]))
      const head = { rev: 1, headSeq: 0, membersRev: 1 }
      const conversation: Conversation = {
        ...NOTHING_MORE,
        id,
        kind: 'group',
        title: '',
        createdAt: '',
        ...head,
        members,
      }
      conversations.set(id, conversation)
      return conversation
    },
    join: (id: string, userId: string, rev: number) =>
      change(id, new Map([...conversations.get(id)!.members, [userId, member(userId, rev)]]), rev),
    leave: (id: string, userId: string, rev: number) =>
      change(id, new Map([...conversations.get(id)!.members].filter(([other]) => other !== userId)), rev),
    say({ id, membersRev }: Conversation, rev: number, exceptSocket?: string, text = '') {
      const current = conversations.get(id)
      const known = current?.membersRev === membersRev ? current : undefined
      const news = { audience: { conversationId: id, membersRev, rev }, packet: packetOf('said', { rev, text }) }
      return lanes.tell({ ...news, exceptSocket }, known, true)
    },
    mark: ({ id, membersRev }: Conversation, rev: number) =>
      lanes.tell(
        { audience: { conversationId: id, membersRev }, packet: packetOf('marked', { rev }) },
        conversations.get(id),
        true,
      ),
    /** Resolves when all is told that was said before: something that is for nobody comes after it. */
    all: async ({ id, membersRev }: Conversation) =>
      lanes.tell(
        { audience: { conversationId: id, membersRev, about: 'nobody' }, packet: packetOf('', {}) },
        undefined,
        true,
      ),
    heard: (id: string) => said.filter(({ device }) => device.startsWith(`${id}-`)),
  }
}
