import assert from 'node:assert/strict'
import test from 'node:test'
import type {
  ConversationItem,
  Entry,
  LogPage,
  MessageEntry,
  MessagePage,
  SyncPage,
} from '@parley/protocol/conversation'
import { UNSET } from '@parley/protocol/settings'
import fc from 'fast-check'
import type { Api } from './api.ts'
import { openDevice } from './device.ts'
import { type StoredMessage, unreadOf } from './held.ts'
import { openKeeper } from './keeper.ts'
import { memoryStorage } from './memory.ts'
import { openPages } from './pages.ts'

const ME = { id: 'me', username: 'me', email: '', createdAt: '' }

/** What a server promises of one conversation: a dense log, pages of it as it is when asked, a list by cursor. */
function openModel() {
  const log: Entry[] = []
  const base = (kind: string, headSeq: number) => ({
    conversationId: 'c',
    id: `${kind}${log.length + 1}`,
    rev: log.length + 1,
    headSeq,
    membersRev: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
  })
  const headSeq = (): number => log.at(-1)?.headSeq ?? 0
  const messages = (): MessageEntry[] => log.filter((entry) => entry.kind === 'message')
  const members = ['me', 'you'].map((userId) => ({ userId, username: userId, role: 'member' as const }))
  log.push({
    ...base('created', 0),
    kind: 'created',
    senderId: 'you',
    conversationKind: 'group',
    title: 'T',
    members,
  })
  return {
    messages,
    log,
    grow(count: number) {
      for (let n = 0; n < count; n++) {
        const seq = headSeq() + 1
        if (n % 7 === 6)
          log.push({ ...base('renamed', seq - 1), kind: 'renamed', senderId: 'you', title: `T${log.length}` })
        else log.push({ ...base('m', seq), kind: 'message', seq, senderId: n % 3 === 0 ? 'me' : 'you', text: `${seq}` })
      }
    },
    item(): ConversationItem {
      const last = messages().at(-1)
      const title = log.findLast((entry) => entry.kind === 'renamed')?.title ?? 'T'
      const unread = Math.min(1_000, messages().filter(({ senderId }) => senderId !== 'me').length)
      return {
        ...{
          id: 'c',
          kind: 'group',
          title,
          rev: log.length,
          headSeq: headSeq(),
          membersRev: 1,
          memberCount: 2,
          members,
        },
        ...(last && { lastMessage: { ...last, sender: last.senderId } }),
        me: {
          role: 'member',
          deliveredSeq: 0,
          readSeq: 0,
          unread,
          mentions: 0,
          fromSeq: 1,
          fromRev: 1,
          settings: UNSET,
          ownRev: 0,
        },
        marks: [],
      }
    },
    list(): SyncPage {
      return { items: [this.item()], cursor: String(log.length), more: false }
    },
    page(after: number, limit: number): LogPage {
      const items = log.slice(after, after + limit)
      return { items, headRev: log.length, more: after + items.length < log.length }
    },
    older(before: number, limit: number): MessagePage {
      return {
        items: messages()
          .slice(Math.max(0, before - 1 - limit), before - 1)
          .map((m) => ({ ...m, sender: m.senderId })),
      }
    },
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), by: fc.constant(600) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('live' as const),
      back: fc.nat(30),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('log' as const), limit: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('list' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('older' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), drop: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('anew' as const) }) },
)

test('a device ends with the whole conversation, whatever is lost, doubled, late, crashed or too far away', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const model = openModel()
      const storage = memoryStorage()
      let shown: number[] = []
      let on = await openClient()

      async function openClient() {
        const keeper = openKeeper(storage)
        const device = openDevice(
          ME,
          storage,
          keeper,
          () => true,
          hooksTo((seq) => shown.push(seq)),
          new Map(),
        )
        await device.load()
        // Only the one call that pages make.
        const api = { messages: async (_: string, before: number, limit: number) => model.older(before, limit) } as Api
        return { keeper, device, pages: openPages(device, storage, keeper, api, () => {}) }
      }

      const takeLog = (limit: number): void => {
        const rev = on.device.conversations.get('c')?.held.rev
        if (rev !== undefined) on.device.takeLog('c', model.page(rev, limit))
      }

      for (const one of steps) {
        if (one.kind === 'grow') model.grow(one.by)
        if (one.kind === 'live') {
          const entry = model.log.at(-1 - one.back)
          for (let n = 0; n < one.times && entry; n++) on.device.takeEntries('c', [entry])
        }
        if (one.kind === 'log') takeLog(one.limit)
        if (one.kind === 'list') await on.device.takePage(model.list())
        if (one.kind === 'look') await on.pages.open('c')
        if (one.kind === 'older' && on.device.conversations.has('c')) await on.pages.loadOlder('c')
        if (one.kind === 'anew') on.device.beginAnew()
        if (one.kind === 'crash') {
          await on.keeper.stop(one.drop)
          shown = []
          on = await openClient()
        }
        assert.ok(
          shown.every((seq, n) => n === 0 || seq > shown[n - 1]!),
          'what enters, enters in order and once',
        )
        const conversation = on.device.conversations.get('c')
        const { messages, held } = conversation ?? {}
        if (held && messages && messages.length > 0) {
          assert.equal(messages.at(-1)!.seq, held.headSeq)
          assert.equal(messages[0]!.seq, held.headSeq - messages.length + 1)
        }
      }

      await on.device.takePage(model.list())
      while (on.device.missing().length > 0) takeLog(200)
      await on.keeper.flush()
      const kept = await storage.list('me/message/c/')
      const { firstSeq, headSeq } = on.device.conversations.get('c')!.held
      assert.deepEqual(
        kept.map(([, value]) => (value as StoredMessage).seq),
        Array.from({ length: headSeq - firstSeq + 1 }, (_, n) => firstSeq + n),
        'what is kept is what the device believes to keep, and no more',
      )
      for (let round = 0; round < 2; round++) {
        await on.pages.open('c')
        const held = () => on.device.conversations.get('c')!
        while (held().messages![0] && held().messages![0]!.seq > 1) await on.pages.loadOlder('c')
        const expected = model.messages()
        assert.deepEqual(
          held().messages!.map(({ id, seq, text }) => ({ id, seq, text })),
          expected.map(({ id, seq, text }) => ({ id, seq, text })),
        )
        assert.equal(held().held.facts.title, model.item().title)
        // The same from what is kept, after a crash.
        await on.keeper.stop(true)
        on = await openClient()
      }
    }),
    { numRuns: 150 },
  )
})

test('late news that an earlier stay has ended ends nothing, and no message enters twice', async () => {
  const model = openModel()
  model.grow(5)
  const { device, shown } = await openWatched()
  /** In it from the next entry on: what the server says of it, and its log, once two messages are there. */
  const comeIn = (): void => {
    const [fromRev, fromSeq] = [model.log.length + 1, model.messages().length + 1]
    model.grow(2)
    const item = model.item()
    device.takeItem({ ...item, me: { ...item.me, fromRev, fromSeq } }, device.doubts())
    device.takeLog('c', model.page(fromRev - 1, 100))
  }
  comeIn()
  const [ended, asked] = [model.log.length + 1, device.doubts()]
  model.grow(1)
  assert.equal(device.left('c', ended), true)
  comeIn()
  assert.deepEqual(shown, [6, 7, 9, 10])
  assert.equal(device.left('c', ended), false, 'told by the other node')
  await device.takePage({ items: [{ id: 'c', gone: true }], cursor: '1', more: false }, asked)
  assert.equal(device.missing().length, 1, 'it is looked at again: it may have been this stay after all')
  device.takeItem({ ...model.item(), me: device.conversations.get('c')!.held.facts.me }, device.doubts())
  device.takeLog('c', model.page(0, 100))
  assert.equal(device.missing().length, 0)
  assert.deepEqual(shown, [6, 7, 9, 10])
  assert.equal(device.left('c', model.log.length + 1), true)
  assert.equal(device.conversations.size, 0)
})

test('an answer of before the end of a stay begins no new one, and one of after a return does', async () => {
  for (const end of ['news', 'log'] as const) {
    const model = openModel()
    model.grow(60)
    const { device, shown } = await openWatched()
    device.takeItem(model.item())
    const [late, rev, headSeq] = [model.item(), model.log.length + 1, model.item().headSeq]
    assert.deepEqual(shown, [headSeq])
    model.log.push({
      ...{ ...model.log.at(-1)!, kind: 'members.removed', id: 'x', rev, headSeq, membersRev: rev },
      ...{ senderId: 'you', userIds: ['me'] },
    } as Entry)
    if (end === 'news') assert.equal(device.left('c', rev), true)
    else device.takeLog('c', model.page(late.rev, 10))
    assert.equal(device.conversations.size, 0)
    device.takeItem(late)
    await device.takePage({ items: [late], cursor: '1', more: false })
    assert.deepEqual([device.conversations.size, shown], [0, [headSeq]])
    model.grow(1)
    const back = model.item()
    device.takeItem({ ...back, me: { ...back.me, fromRev: rev + 1, fromSeq: headSeq + 1 } })
    device.takeLog('c', model.page(rev, 10))
    assert.deepEqual([device.conversations.size, shown], [1, [headSeq, headSeq + 1]])
  }
})

test('a list that was asked for during this stay ends it', async () => {
  const { device } = await openWatched()
  device.takeItem(openModel().item())
  await device.takePage({ items: [{ id: 'c', gone: true }], cursor: '1', more: false }, device.doubts())
  assert.equal(device.conversations.size, 0)
})

/** Listens only for what enters. */
const hooksTo = (show: (seq: number) => void) => ({
  changed: () => {},
  applied: () => [],
  message: ({ seq }: StoredMessage) => show(seq),
  stored: () => {},
  behind: () => {},
  dropped: () => {},
  anew: () => {},
  met: () => {},
})

/** A device, and what has entered it. */
async function openWatched() {
  const storage = memoryStorage()
  const shown: number[] = []
  const hooks = hooksTo((seq) => shown.push(seq))
  const device = openDevice(ME, storage, openKeeper(storage), () => true, hooks, new Map())
  await device.load()
  return { device, shown }
}

test('a tab that takes over while it reads the list anew still does so after a crash, and one that is done does not', async () => {
  const hooks = {
    changed: () => {},
    applied: () => [],
    message: () => {},
    stored: () => {},
    behind: () => {},
    dropped: () => {},
    anew: () => {},
    met: () => {},
  }
  for (const done of [false, true]) {
    const model = openModel()
    const storage = memoryStorage()
    // The tab that leads is where the other one is not.
    await storage.write([['me/anew', done || undefined]])
    const keeper = openKeeper(storage)
    let leads = false
    const device = openDevice(ME, storage, keeper, () => leads, hooks, new Map())
    await device.load()
    device.beginAnew()
    await device.takePage({ ...model.list(), more: !done })
    leads = true
    await device.takeOver(await device.kept())
    assert.equal(await storage.get('me/anew'), done ? undefined : true)
    await keeper.stop(true)
  }
})

test('what an earlier release kept says as many unread as before, though it does not say which of them were deleted', async () => {
  const model = openModel()
  const storage = memoryStorage()
  const hooks = {
    changed: () => {},
    applied: () => [],
    message: () => {},
    stored: () => {},
    behind: () => {},
    dropped: () => {},
    anew: () => {},
    met: () => {},
  }
  const open = async () => {
    const keeper = openKeeper(storage)
    const device = openDevice(ME, storage, keeper, () => true, hooks, new Map())
    await device.load()
    return { device, keeper }
  }
  const before = await open()
  await before.device.takePage(model.list())
  model.grow(6)
  const { rev, headSeq, ...rest } = model.log.at(-1)!
  const place = { ...rest, rev: rev + 1, headSeq, id: 'deletion', senderId: 'you' }
  model.log.push({ ...place, kind: 'message.deleted', seq: 2 } as Entry)
  await before.device.takePage(model.list())
  while (before.device.missing().length > 0) before.device.takeLog('c', model.page(1, 200))
  const { held } = before.device.conversations.get('c')!
  assert.deepEqual(held.deletedSeqs, [2])
  await before.keeper.stop(false)
  const { deletedSeqs: _, naming: _naming, lasting: _lasting, eventsSeq: _events, ...old } = held
  await storage.write([['me/conversation/c', old]])
  const after = await open()
  const now = after.device.conversations.get('c')!.held
  assert.deepEqual([unreadOf(now), now.firstSeq, now.ownSeqs], [unreadOf(held), held.firstSeq, held.ownSeqs])
  await after.keeper.stop(true)
})
