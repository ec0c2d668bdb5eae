import type { Stack } from '@parley/infra/stack'
import type { ContactPage } from '@parley/protocol/contact'
import type { Entry, MessageEntry } from '@parley/protocol/conversation'
import { changesMessage } from '@parley/protocol/message-change'
import type { Device, Person } from './actors.ts'
import { NO_DIGESTS } from './digests.ts'
import type { Final, LoggedEntry } from './history.ts'
import { wholeList, wholeLog } from './rest.ts'
import type { Scene } from './workload.ts'

/** A device settles within this time, or the history says that it did not. The check's own bound is shorter. */
const SETTLE_MS = 30_000
const DRAIN_MS = 20_000

/** Connects every device, waits until each holds everything, and asks the server what is true. */
export async function readFinal(scene: Scene, stack: Stack): Promise<Final> {
  const devices = scene.people.flatMap((person) => person.devices)
  const settled = await Promise.all(devices.map((device) => settle(device)))
  const unrelayed = await Promise.all(
    stack
      .names()
      .filter((name) => name === 'parley' || name.startsWith('chat-'))
      .map((target) => drained(stack, target)),
  )
  // Marks of the last moment are on their way for as long as devices batch them: a second look, once all is relayed.
  await Promise.all(devices.map((device) => settle(device)))
  return {
    people: scene.people.map(({ username, email, rest: { userId } }) => ({
      ...{ userId, username, email },
      digests: email !== NO_DIGESTS,
    })),
    conversations: await Promise.all(scene.conversations.map((conversation) => readConversation(conversation))),
    devices: devices.map((device, index) => readDevice(device, settled[index], scene)),
    contacts: (await Promise.all(scene.people.map((person) => readContacts(person)))).flat(),
    unrelayed,
    told: [],
    alerts: [],
  }
}

async function settle(device: Device): Promise<number | undefined> {
  const begun = performance.now()
  device.comeBack()
  try {
    await device.client.settled(AbortSignal.timeout(SETTLE_MS))
    const settledMs = performance.now() - begun
    await device.open([])
    return settledMs
  } catch {
    return undefined
  }
}

async function readConversation({
  id,
  kind,
  people,
}: Scene['conversations'][number]): Promise<Final['conversations'][number]> {
  // The first is in it from the start and never goes.
  const [witness] = people
  const log = await wholeLog(witness!.rest, id)
  const { items: present } = await witness!.rest.get<{ items: { userId: string }[] }>(
    `/api/conversations/${id}/members`,
  )
  const lists = await Promise.all(
    people
      .filter((person) => present.some((member) => member.userId === person.rest.userId))
      .map(async (person) => ({
        userId: person.rest.userId,
        item: (await wholeList(person.rest)).find((item) => item.id === id),
      })),
  )
  const messages = log.filter((entry): entry is MessageEntry => entry.kind === 'message')
  return {
    id,
    kind,
    messages: messages.map(
      ({ id, conversationId, seq, rev, senderId, text, deleted, edits, reactions, mentionsAll }) => ({
        id,
        conversationId,
        seq,
        rev,
        senderId,
        text,
        deleted,
        edits,
        reactions,
        mentionsAll,
      }),
    ),
    log: log.map((entry) => logged(entry)),
    marks: lists.flatMap(({ userId, item }) =>
      item ? [{ userId, deliveredSeq: item.me.deliveredSeq, readSeq: item.me.readSeq }] : [],
    ),
    members: lists.flatMap(({ userId, item }) =>
      item ? [{ userId, role: item.me.role, fromSeq: item.me.fromSeq, fromRev: item.me.fromRev }] : [],
    ),
    unread: lists.flatMap(({ userId, item }) => (item ? [{ userId, unread: item.me.unread }] : [])),
  }
}

function logged(entry: Entry): LoggedEntry {
  const { rev, kind, headSeq, senderId, membersRev } = entry
  const facts: LoggedEntry = { rev, kind, headSeq, senderId, membersRev, userIds: touched(entry) }
  if (entry.kind === 'message' || facts.userIds!.length > 0) facts.createdAt = entry.createdAt
  if (entry.kind === 'created')
    facts.roles = Object.fromEntries(entry.members.map(({ userId, role }) => [userId, role]))
  if (entry.kind === 'members.role') facts.named = { userId: entry.userId, role: entry.role }
  if (!changesMessage(entry)) return facts
  const { id, seq } = entry
  if (entry.kind === 'message.edited') return { ...facts, change: { id, seq, text: entry.text } }
  if (entry.kind === 'message.deleted') return { ...facts, change: { id, seq } }
  return { ...facts, change: { id, seq, emoji: entry.emoji, on: entry.on } }
}

async function readContacts({ rest }: Person): Promise<Final['contacts']> {
  const lists = ['friends', 'incoming', 'outgoing'].map((list) =>
    rest.get<ContactPage>(`/api/user/contacts?list=${list}&limit=100`),
  )
  const items = (await Promise.all(lists)).flatMap((page) => page.items)
  return items.map(({ userId, status }) => ({ userId: rest.userId, otherId: userId, status }))
}

/** Whose membership an entry changes. */
function touched(entry: Entry): string[] {
  if (entry.kind === 'created') return entry.members.map((member) => member.userId)
  return 'userIds' in entry ? entry.userIds : []
}

function readDevice(device: Device, settledMs: number | undefined, scene: Scene): Final['devices'][number] {
  const listed = new Map(device.client.conversations.get().map((view) => [view.id, view]))
  return {
    device: device.name,
    userId: device.userId,
    settledMs,
    outbox: device.client.outbox.get().length,
    conversations: scene.conversations.flatMap(({ id }) => {
      const view = listed.get(id)
      if (!view) return []
      const { messages, hasOlder } = device.client.timeline(id).get()
      return [
        {
          id,
          unread: view.me.unread,
          hasOlder,
          messages: messages.map(({ id, seq, text, deleted, edits, reactions }) => ({
            id,
            seq,
            text,
            deleted,
            edits,
            reactions,
          })),
          last: view.lastMessage && { seq: view.lastMessage.seq, text: view.lastMessage.text },
        },
      ]
    }),
  }
}

/** Waits for a node's outbox to drain, by its own gauge. */
async function drained(stack: Stack, target: string): Promise<{ target: string; count: number | undefined }> {
  const until = Date.now() + DRAIN_MS
  for (;;) {
    const count = await pendingEntries(stack.internalUrl(target))
    if (count === 0 || Date.now() > until) return { target, count }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function pendingEntries(internalUrl: string): Promise<number | undefined> {
  try {
    const text = await (await fetch(`${internalUrl}/metrics`, { signal: AbortSignal.timeout(2_000) })).text()
    const gauge = /^parley_relay_pending(?:\{[^}]*\})? (\d+)/m.exec(text)
    return gauge ? Number(gauge[1]) : undefined
  } catch {
    return undefined
  }
}
