import type { Amendment } from '@parley/sdk/types'
import type { Bug } from './bugs.ts'
import type { Event, Final, History, LoggedEntry, SeenMessage } from './history.ts'
import { random } from './random.ts'
import { alertsOf, namedIn } from './synthetic-alerts.ts'
import { applied, contactsWith } from './synthetic-changes.ts'
import { digestsOf } from './synthetic-digests.ts'
import { mailOf } from './synthetic-mail.ts'
import { pushOf } from './synthetic-push.ts'

const USERS = ['ann', 'ben', 'cy', 'dee']
const GROUP = 'group'

/**
 * A chat system in a page, to test the checker with: it makes the history that a right system would make under crashes, repeats
 * and lost acknowledgements, or, with one of `BUGS` built in, the history of a system with that bug.
 */
export function synthetic(seed: number, bug?: Bug): History {
  const { chance, pick, below } = random(seed)
  const events: Event[] = []
  const log: Final['conversations'][number]['log'] = [
    {
      rev: 1,
      kind: 'created',
      userIds: USERS.slice(0, 3),
      headSeq: 0,
      senderId: 'ann',
      membersRev: 1,
      createdAt: new Date(0).toISOString(),
      roles: { ann: 'owner' },
    },
  ]
  let messages: SeenMessage[] = []
  const members = new Map(USERS.slice(0, 3).map((userId) => [userId, { userId, fromSeq: 1, fromRev: 1 }]))
  const marks = new Map(USERS.map((userId) => [userId, { userId, deliveredSeq: 0, readSeq: 0 }]))
  const devices = USERS.flatMap((userId) =>
    ['phone', 'laptop'].map((kind) => ({ device: `${userId}-${kind}`, userId, held: [] as SeenMessage[], counter: 0 })),
  )
  const published: Record<string, number> = {}
  const remembered = new Set<string>()
  let at = 0
  const tick = (): number => (at += 1 + below(20))
  const note = (event: Event): void => void events.push(event)
  const forgetsToPublish = bug === 'relay marks before confirm' || bug === 'outbox row outside the transaction'
  const publish = ({ conversationId, seq }: SeenMessage): void => {
    published[conversationId] = Math.max(seq, published[conversationId] ?? 0)
  }

  function commit(message: Omit<SeenMessage, 'seq' | 'rev'>): SeenMessage {
    const known = messages.find((m) => m.id === message.id)
    const forgotten = bug === 'no unique index' || (bug === 'dedup cache in memory' && !remembered.has(message.id))
    if (known && !forgotten) return bug === 'a repeat is answered anew' ? { ...known, seq: known.seq + 1 } : known
    remembered.add(message.id)
    const skipped = bug === 'seq taken before the commit' && chance(0.1) ? 1 : 0
    const late = bug === 'order by clock' && chance(0.2) && messages.length > 1
    const seq = (messages.at(-1)?.seq ?? 0) + 1 + skipped
    const stored = { ...message, seq, rev: (log.at(-1)?.rev ?? 0) + 1 }
    if (late) {
      // A clock that runs behind puts the new message before the last one.
      const last = messages.pop()!
      messages.push({ ...stored, seq: last.seq }, { ...last, seq })
      record({ kind: 'message', headSeq: seq, senderId: message.senderId })
      return messages.at(-2)!
    }
    messages.push(bug === 'body mixed up' && chance(0.1) ? { ...stored, text: 'another' } : stored)
    record({ kind: 'message', headSeq: seq, senderId: message.senderId })
    return messages.at(-1)!
  }

  function record(entry: Omit<LoggedEntry, 'rev' | 'membersRev'>): void {
    const rev = log.at(-1)!.rev + 1
    const before = log.findLast(({ userIds, named }) => userIds || named)!.rev
    const late = bug === 'members read without a fence' && log.length > 60 && before > 1
    log.push({
      ...entry,
      createdAt: new Date(at).toISOString(),
      rev,
      membersRev: entry.userIds || entry.named ? rev : late ? 1 : before,
    })
  }

  /** Somebody asks for others to come, to go or to have another role; answered as `status`. */
  function ask(what: 'add' | 'remove' | 'role', userId: string, targetId: string, status: number, role?: string): void {
    const startedAt = tick()
    const asked = { what, userId, targetId, ...(role && { role }), conversationId: GROUP }
    note({ at: tick(), type: 'membership', ...asked, startedAt, status })
  }

  /** Somebody changes a message that their device shows: it is told to all, at once or, by some bug, not. */
  function amend(step: number): void {
    const able = devices.filter((d) => members.has(d.userId) && d.held.length > 0)
    if (able.length === 0) return
    const device = pick(able)
    const seq = device.held.at(-1 - below(Math.min(3, device.held.length)))!.seq
    const index = messages.findIndex((m) => m.seq === seq)
    const before = messages[index]
    const id = `c${step}`
    const { userId } = device
    if (!before) return
    const mine = before.senderId === userId
    const may = mine || (bug === 'anybody edits' && chance(0.3))
    const dice = before.edits ? 3 + below(7) : below(10)
    const action: Amendment =
      may && dice < 5
        ? { kind: 'edit', text: `text by ${id}` }
        : (mine || userId === 'ann') && dice < 7
          ? { kind: 'delete' }
          : { kind: 'react', emoji: pick(['👍', '🎉']), on: chance(0.7) }
    const names = { id, conversationId: GROUP }
    note({ at: tick(), type: 'change', device: device.device, userId, ...names, messageId: before.id, action })
    if (before.deleted && action.kind !== 'delete' && bug !== 'an edit brings back what was deleted') return
    const unkept = bug === 'edit kept in memory' && chance(0.1)
    if (!unkept)
      record({
        kind: { edit: 'message.edited', delete: 'message.deleted', react: 'message.reacted' }[action.kind],
        headSeq: messages.at(-1)!.seq,
        senderId: userId,
        change: { id, seq, ...(action.kind === 'react' && { emoji: action.emoji, on: action.on }) },
      })
    const after = applied(before, action, userId, bug, chance)
    messages[index] = after
    if (bug === 'earlier versions outlive the deletion' && action.kind === 'edit')
      log.at(-1)!.change!.text = action.text
    note({ at: tick(), type: 'changed', device: device.device, ...names })
    for (const other of devices) {
      if (bug === 'missing tombstone' && after.deleted && other.userId !== userId) continue
      other.held = other.held.map((m) => (m.id === after.id ? after : m))
    }
    const reader = [...members.values()].find((m) => m.fromSeq === 1)!.userId
    const page = [bug === 'a cached page after the deletion' ? before : after]
    note({
      at: tick(),
      type: 'page',
      userId: reader,
      conversationId: GROUP,
      startedAt: at,
      messages: [...page, ...messages.slice(index + 1)],
    })
  }

  function deliver(message: SeenMessage, sender: string): void {
    for (const device of devices) {
      const member = members.get(device.userId)
      const told = member
        ? message.seq >= member.fromSeq
        : bug === 'stale members' && log.some((e) => e.userIds?.includes(device.userId))
      if (!told || device.held.some((m) => m.id === message.id)) continue
      if (bug === 'one socket per user' && device.device.endsWith('phone')) continue
      note({ at: tick(), type: 'shown', device: device.device, userId: device.userId, message })
      if (bug === 'echo and ack both shown' && device.device === sender && chance(0.3))
        note({ at: tick(), type: 'shown', device: device.device, userId: device.userId, message })
      device.held.push(message)
      if (device.userId !== message.senderId) device.counter += bug === 'unread counter' && chance(0.2) ? 2 : 1
      const own = marks.get(device.userId)!
      own.deliveredSeq = Math.max(own.deliveredSeq, message.seq)
    }
  }

  function view(device: (typeof devices)[number]): void {
    const shown = bug === 'gap rendered' && device.held.length > 4 ? device.held.toSpliced(2, 1) : device.held
    const rows = shown.map((m) => {
      const mine = m.senderId === device.userId
      const others = [...marks.values()].filter((o) => o.userId !== device.userId && members.has(o.userId))
      const read = others.every((o) => o.readSeq >= m.seq)
      const status = !mine || !read ? 'sent' : 'read'
      return {
        id: m.id,
        seq: m.seq,
        mine,
        status:
          bug === 'status from the last event' && chance(0.3)
            ? pick(['sent', 'read'])
            : mine
              ? keepForward(device.device, m.id, status)
              : 'sent',
      }
    })
    note({
      at: tick(),
      type: 'view',
      device: device.device,
      userId: device.userId,
      conversationId: GROUP,
      messages: rows,
    })
  }
  const reached = new Map<string, string>()
  function keepForward(device: string, id: string, status: string): string {
    const name = `${device} ${id}`
    if (reached.get(name) === 'read') return 'read'
    reached.set(name, status)
    return status
  }

  const pending: { device: (typeof devices)[number]; message: Omit<SeenMessage, 'seq' | 'rev'> }[] = []
  for (let step = 0; step < 150; step++) {
    const device = pick(devices.filter((d) => members.has(d.userId)))
    const id = `m${step}`
    const message = { id, conversationId: GROUP, senderId: device.userId, text: `text of ${id}${namedIn(step)}` }
    const answered = step % 6 === 0 ? messages.at(-1)?.seq : undefined
    note({
      at: tick(),
      type: 'send',
      device: device.device,
      userId: device.userId,
      id,
      conversationId: GROUP,
      text: message.text,
      ...(answered !== undefined && { replyTo: answered }),
      online: true,
    })
    const batch = [message]
    if (bug === 'async handlers race' || chance(0.3)) {
      const next = { ...message, id: `${id}b`, text: `text of ${id}b` }
      note({
        at: tick(),
        type: 'send',
        device: device.device,
        userId: device.userId,
        id: next.id,
        conversationId: GROUP,
        text: next.text,
        online: true,
      })
      batch.push(next)
      if (bug === 'async handlers race') batch.reverse()
    }
    for (const each of batch) {
      if (chance(0.05)) {
        note({
          at: tick(),
          type: 'refused',
          device: device.device,
          id: each.id,
          conversationId: GROUP,
          code: 'validation.failed',
        })
        if (bug === 'refused and stored') commit(each)
        continue
      }
      const stored = commit(each)
      const crashed = chance(0.08)
      if (bug === 'emit before commit' && crashed) {
        deliver(stored, device.device)
        messages = messages.filter((m) => m !== stored)
        log.pop()
        continue
      }
      if (crashed && chance(0.5)) pending.push({ device, message: each })
      else note({ at: tick(), type: 'acked', device: device.device, ...pickFacts(stored) })
      if (bug === 'ack before commit' && crashed) {
        messages = messages.filter((m) => m !== stored)
        log.pop()
        continue
      }
      if (!(forgetsToPublish && crashed)) publish(stored)
      deliver(stored, device.device)
      if (crashed) remembered.clear()
      if (chance(0.2)) {
        const again = commit(each)
        note({ at: tick(), type: 'acked', device: device.device, ...pickFacts(again) })
      }
    }
    const lost = chance(0.5) ? pending.shift() : undefined
    if (lost) {
      const stored = commit(lost.message)
      note({ at: tick(), type: 'acked', device: lost.device.device, ...pickFacts(stored) })
      deliver(stored, lost.device.device)
    }
    if (step === 40) {
      const dee = { kind: 'members.added', userIds: ['dee'], headSeq: messages.at(-1)?.seq ?? 0, senderId: 'ann' }
      ask('add', 'ann', 'dee', bug === 'refused and done' ? 403 : 201)
      record(dee)
      if (bug === 'added twice') record(dee)
      members.set('dee', { userId: 'dee', fromSeq: (messages.at(-1)?.seq ?? 0) + 1, fromRev: log.at(-1)!.rev })
      if (bug === 'history before the join')
        note({ at: tick(), type: 'shown', device: 'dee-phone', userId: 'dee', message: messages[0]! })
    }
    if (step === 80) {
      ask('remove', bug === 'a member removes another' ? 'ben' : 'ann', 'cy', 204)
      const gone = { kind: 'members.removed', userIds: ['cy'], headSeq: messages.at(-1)!.seq }
      record({ ...gone, senderId: bug === 'a member removes another' ? 'ben' : 'ann' })
      members.delete('cy')
      if (bug === 'who was removed reads on')
        note({ at: tick(), type: 'page', userId: 'cy', conversationId: GROUP, startedAt: at, messages: [messages[3]!] })
      for (const gone of devices.filter((d) => d.userId === 'cy')) if (bug !== 'stale members') gone.held = []
    }
    if (step === 100) {
      for (const userId of bug === 'two hand the group over at once' ? ['ben', 'dee'] : ['ben']) {
        ask('role', 'ann', userId, 200, 'owner')
        record({
          kind: 'members.role',
          headSeq: messages.at(-1)!.seq,
          senderId: 'ann',
          named: { userId, role: 'owner' },
        })
      }
      if (bug === 'acknowledged and not done') ask('remove', 'ben', 'dee', 204)
    }
    if (chance(0.7)) amend(step)
    if (chance(0.4)) view(pick(devices.filter((d) => members.has(d.userId))))
    if (chance(0.3)) {
      const behind = bug === 'reads from a secondary' ? 3 : 0
      const reader = [...members.values()].find((m) => m.fromSeq === 1)!
      const page = messages.slice(-20 - behind, messages.length - behind)
      note({ at: tick(), type: 'page', userId: reader.userId, conversationId: GROUP, startedAt: at, messages: page })
    }
    if (chance(0.5)) {
      const reader = pick(devices.filter((d) => members.has(d.userId) && d.held.length > 0))
      const own = marks.get(reader.userId)!
      const seq = reader.held.at(-1 - below(Math.min(8, reader.held.length)))!.seq
      note({ at: tick(), type: 'read', device: reader.device, userId: reader.userId, conversationId: GROUP, seq })
      own.readSeq = bug === 'marks set, not merged' ? seq : Math.max(own.readSeq, seq)
      own.deliveredSeq = Math.max(own.deliveredSeq, own.readSeq)
      const observer = pick(['ann-phone', 'ben-laptop'])
      note({ at: tick(), type: 'marks', device: observer, conversationId: GROUP, ...own })
    }
    if (chance(0.1))
      note({
        at: tick(),
        type: 'memory',
        target: 'chat-1',
        bytes: 100_000_000 + (bug === 'unbounded buffer' ? step * 10_000_000 : below(9_000_000)),
      })
  }
  for (const lost of pending) {
    const stored = commit(lost.message)
    note({ at: tick(), type: 'acked', device: lost.device.device, ...pickFacts(stored) })
    deliver(stored, lost.device.device)
  }
  ending()
  events.push(...mailOf(seed, at, bug))
  const ended = final()
  const { told: pushedOf, pushed } = pushOf(seed, at, ended, bug)
  const { told, digested } = digestsOf(seed, at, events, { ...ended, told: pushedOf }, bug)
  const { alerts, devices: shown, alerted } = alertsOf(seed, at, events, ended, bug)
  return {
    seed,
    shape: 'synthetic',
    events: [...events, ...pushed, ...alerted, ...digested],
    final: { ...ended, told, mailAwaited: true, alerts, devices: shown },
  }

  function ending(): void {
    const last = messages.at(-1)!
    if (bug === 'a change of what was before the join')
      record({
        kind: 'message.reacted',
        headSeq: last.seq,
        senderId: 'dee',
        change: { id: 'x', seq: 1, emoji: '👍', on: true },
      })
    if (bug === 'delivered on emit')
      note({
        at: tick(),
        type: 'marks',
        device: 'ann-phone',
        conversationId: GROUP,
        userId: 'dee',
        deliveredSeq: last.seq,
        readSeq: 0,
      })
    if (bug === 'delivered on emit')
      for (const event of events)
        if (event.type === 'shown' && event.userId === 'dee')
          event.message = messages.find((m) => m.seq >= members.get('dee')!.fromSeq)!
    if (bug === 'read on delivery')
      note({
        at: tick(),
        type: 'marks',
        device: 'ann-phone',
        conversationId: GROUP,
        userId: 'ben',
        deliveredSeq: last.seq,
        readSeq: last.seq,
      })
    if (bug === 'marks above the head') marks.get('ben')!.deliveredSeq = last.seq + 5
    const pair = { userId: 'ann', otherId: 'cy', conversationId: GROUP }
    at += 5_000
    note({ at: tick(), type: 'block', on: true, ...pair, startedAt: at, status: 200 })
    if (bug === 'a block is told too late') {
      const sent = { id: 'through', conversationId: GROUP, senderId: 'cy', text: 'can you hear me?' }
      note({ at: tick(), type: 'send', device: 'cy-phone', userId: 'cy', ...sent, online: true })
      note({ at: tick(), type: 'acked', device: 'cy-phone', ...pickFacts(commit(sent)) })
    }
    note({ at: tick(), type: 'block', on: false, ...pair, startedAt: at, status: 200 })
    note({ at: tick(), type: 'fault', what: 'kill', target: 'rabbitmq', phase: 'begin' })
    const id = 'while-the-broker-is-away'
    const message = { id, conversationId: GROUP, senderId: 'ann', text: 'still here' }
    note({ at: tick(), type: 'send', device: 'ann-phone', userId: 'ann', ...message, online: true })
    if (bug === 'send waits for the broker') at += 20_000
    const stored = commit(message)
    note({ at: tick(), type: 'acked', device: 'ann-phone', ...pickFacts(stored) })
    deliver(stored, 'ann-phone')
    // Of several messages the last tells of all: only when that is forgotten is anything lost.
    if (!forgetsToPublish) publish(stored)
    at += 20_000
    note({ at: tick(), type: 'fault', what: 'kill', target: 'rabbitmq', phase: 'end' })
    note({
      at: tick(),
      type: 'forged',
      id,
      conversationId: GROUP,
      text: 'forged',
      outcome: bug === 'a forged repeat overwrites' ? 'accepted' : 'refused',
    })
    if (bug === 'a payload ends the process') note({ at: tick(), type: 'died', target: 'chat-1' })
    note({ at: tick(), type: 'revoked', sessionId: 's1' })
    note({ at: at + 500, type: 'reached', sessionId: 's1', what: 'message.new' })
    if (bug === 'token checked at connect only')
      note({ at: at + 9_000, type: 'reached', sessionId: 's1', what: 'message.new' })
    note({ at: tick(), type: 'ready', target: 'chat-1', tookMs: bug === 'pid file left behind' ? 60_000 : 900 })
  }

  function final(): Final {
    const readSeq = (userId: string): number => marks.get(userId)!.readSeq
    const unreadOf = (userId: string): number =>
      messages.filter(
        (m) =>
          m.seq > readSeq(userId) &&
          m.seq >= (members.get(userId)?.fromSeq ?? 0) &&
          m.senderId !== userId &&
          (!m.deleted || bug === 'a tombstone is unread'),
      ).length
    const present = [...members.values()]
    const roleOf = (userId: string): string =>
      userId === 'ann' ? 'admin' : userId === 'ben' && bug !== 'nobody takes over' ? 'owner' : 'member'
    return {
      people: USERS.map((userId) => ({
        ...{ userId, username: userId },
        email: `${userId}@example.org`,
        digests: userId !== 'dee',
      })),
      conversations: [
        {
          id: GROUP,
          kind: 'group',
          messages,
          log,
          marks: present.map((m) => marks.get(m.userId)!),
          members: present.map((m) => ({ ...m, role: roleOf(m.userId) })),
          unread: present.map((m) => ({ userId: m.userId, unread: unreadOf(m.userId) })),
        },
      ],
      devices: devices.map((d) => ({
        device: d.device,
        userId: d.userId,
        settledMs: 800,
        outbox: bug === 'device outbox stuck' ? 1 : 0,
        conversations: members.has(d.userId)
          ? [
              {
                id: GROUP,
                hasOlder: false,
                unread: bug === 'unread counter' ? d.counter : unreadOf(d.userId),
                messages: d.held.toSorted((a, b) => a.seq - b.seq),
              },
            ]
          : bug === 'stale members'
            ? [{ id: GROUP, hasOlder: false, unread: 0, messages: d.held }]
            : [],
      })),
      contacts: contactsWith(bug),
      unrelayed: [{ target: 'chat-1', count: 0 }],
      told: [],
      alerts: [],
      published,
    }
  }
}

const pickFacts = ({ id, conversationId, seq, rev }: SeenMessage) => ({
  id,
  conversationId,
  seq,
  rev,
  createdAt: '2026-01-01T00:00:00.000Z',
})
