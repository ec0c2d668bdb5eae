import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { MessagePage } from '@parley/protocol/conversation'
import type { SendReply } from '@parley/protocol/socket'
import type { Amendment, TimelineMessage } from '@parley/sdk/types'
import { anyDevice, type Device, type Person } from './actors.ts'
import { readAlerts } from './alerts.ts'
import { forgetPassword } from './mail.ts'
import type { Outstanding } from './outstanding.ts'
import type { Pushed } from './push.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import { newestPage, once } from './rest.ts'

export interface Scene {
  url: string
  people: Person[]
  /** Conversations, and who may be in them: a group's first makes it and stays, the others come and go. */
  conversations: { id: string; kind: 'direct' | 'group'; people: Person[] }[]
  recorder: Recorder
  outstanding: Outstanding
  random: Random
  /** The browsers and apps that people are pushed to on. */
  pushed: Pushed
}

/** Sent lately: for repeats under way at the same time as, or long after, the first. */
interface Sent {
  person: Person
  /** The device and conversation within which it has its place. */
  lane: string
  id: string
  conversationId: string
  receiverId: string
  text: string
  replyTo: number | undefined
}

/** People chat until the signal aborts. Several things happen at once; each is bounded. */
export async function runWorkload(scene: Scene, signal: AbortSignal): Promise<void> {
  const sent: Sent[] = []
  const under = new Set<Promise<void>>()
  while (!signal.aborted) {
    const act = chooseAct(scene, sent)
    const running = act().finally(() => under.delete(running))
    under.add(running)
    await pause(5 + scene.random.below(30))
    if (under.size > 40) await Promise.race(under)
  }
  await Promise.all(under)
  await unblockAll(scene)
}

function chooseAct(scene: Scene, sent: Sent[]): () => Promise<void> {
  const { random } = scene
  const { person, device } = anyDevice(scene.people, random)
  const dice = random.next()
  if (dice < 0.4) return () => send(scene, person, device, sent)
  if (dice < 0.5) return () => change(scene)
  if (dice < 0.51) return () => befriend(scene)
  if (dice < 0.52) return () => forgetPassword(scene)
  if (dice < 0.62) return async () => markRead(scene, device)
  if (dice < 0.72) return async () => device.view(random.pick(scene.conversations).id)
  if (dice < 0.8) return () => readPage(scene, person)
  if (dice < 0.88) return () => repeat(scene, sent)
  if (dice < 0.9) return () => forge(scene, sent)
  if (dice < 0.94) return () => goOffline(scene, device)
  if (dice < 0.95) return () => device.restart()
  if (dice < 0.953) return () => block(scene)
  if (dice < 0.957) return async () => device.use(random.chance(0.3))
  if (dice < 0.96) return () => scene.pushed.reinstall(random)
  if (dice < 0.961) return () => scene.pushed.handOver(random)
  if (dice < 0.98) return () => changeMembers(scene)
  if (dice < 0.987) return () => readAlerts(scene, device)
  return async () => device.client.setTyping(random.pick(scene.conversations).id, random.chance(0.5))
}

async function send(
  { conversations, recorder, outstanding, random }: Scene,
  person: Person,
  device: Device,
  sent: Sent[],
): Promise<void> {
  const own = conversations.filter((c) => c.people.includes(person))
  const conversation = random.pick(own)
  const named = random.chance(0.1) ? `${someName(conversation, person, random)} ` : ''
  const text = `${named}${device.name} says ${randomUUID()} ${'🦜'.repeat(random.below(20))}`
  const replyTo = random.chance(0.08) ? anyShown(device, conversation.id, random)?.seq : undefined
  const at = recorder.now()
  const online = device.online && device.client.connection.get() === 'live'
  const extras = replyTo !== undefined && { replyTo }
  const item = await device.client.send({ conversationId: conversation.id }, text, { ...extras })
  recorder.note(
    {
      type: 'send',
      device: device.name,
      userId: device.userId,
      id: item.id,
      conversationId: conversation.id,
      text,
      ...extras,
      online,
    },
    at,
  )
  const lane = `${device.name} ${conversation.id}`
  outstanding.sent(lane, item.id)
  const other = conversation.kind === 'direct' ? conversation.people.find((p) => p !== person)! : undefined
  sent.push({
    person,
    lane,
    id: item.id,
    conversationId: conversation.id,
    receiverId: other?.rest.userId ?? conversation.id,
    text,
    replyTo,
  })
  if (sent.length > 200) sent.shift()
}

/** `@` and who else is meant: one of the others, or now and then everybody, which only some may. */
function someName({ people }: Scene['conversations'][number], by: Person, { pick, chance }: Random): string {
  return chance(0.1) ? '@all' : `@${pick(people.filter((person) => person !== by)).username}`
}

/** One of the latest messages that the device shows, of those that are there for good. */
function anyShown(device: Device, conversationId: string, { pick }: Random): TimelineMessage | undefined {
  const { messages } = device.client.timeline(conversationId).get()
  const latest = messages.slice(-8).filter(({ seq, deleted }) => seq > 0 && !deleted)
  return latest.length > 0 ? pick(latest) : undefined
}

/** One to three people do something to the same recent message at once, each on a device that shows it. Some try what they may not. */
async function change({ conversations, people, random }: Scene): Promise<void> {
  const conversation = random.pick(conversations)
  const shows = (device: Device) => device.client.timeline(conversation.id).get().messages
  const devices = conversation.people.flatMap((person) => person.devices)
  const recent = shows(random.pick(devices)).slice(-8)
  if (recent.length === 0) return
  const { id } = random.pick(recent)
  const able = devices.filter((device) => shows(device).some((message) => message.id === id))
  const acts = Array.from({ length: able.length === 0 ? 0 : 1 + random.below(3) }, async () => {
    const device = random.pick(able)
    const message = shows(device).find((each) => each.id === id)
    if (message)
      await device.change(
        message,
        anyAction(random, message.mine, () =>
          someName(conversation, people.find(({ devices }) => devices.includes(device))!, random),
        ),
      )
  })
  await Promise.all(acts)
}

function anyAction(random: Random, mine: boolean, name: () => string): Amendment {
  const dice = random.next()
  // The others' wishes to edit and delete are there to be refused.
  if (dice < (mine ? 0.5 : 0.05)) {
    const named = random.chance(0.1) ? ` ${name()}` : ''
    return { kind: 'edit', text: `edited ${randomUUID()}${named}` }
  }
  if (dice < (mine ? 0.65 : 0.1)) return { kind: 'delete' }
  return { kind: 'react', emoji: random.pick(['👍', '🎉', '❤️']), on: random.chance(0.7) }
}

/** Two people ask each other for friendship, or end what is between them, at once. */
async function befriend({ conversations, random }: Scene): Promise<void> {
  const { people } = random.pick(conversations.filter(({ kind }) => kind === 'direct'))
  const acts = people.map(async (person) => {
    const { contacts } = random.pick(person.devices).client
    const other = people.find((each) => each !== person)!.rest.userId
    await (random.chance(0.7) ? contacts.request(other) : contacts.remove(other))
  })
  // Refused where nothing is there to end, and while the service is away: whatever came of it, both must see the same.
  await Promise.allSettled(acts)
}

function markRead({ conversations, recorder, random }: Scene, device: Device): void {
  const conversation = random.pick(conversations)
  const { messages } = device.client.timeline(conversation.id).get()
  const message = messages.at(-1 - random.below(Math.min(5, messages.length)))
  if (!message) return
  recorder.note({
    type: 'read',
    device: device.name,
    userId: device.userId,
    conversationId: conversation.id,
    seq: message.seq,
  })
  device.client.markRead(conversation.id, message.seq)
}

async function readPage({ conversations, recorder, random }: Scene, person: Person): Promise<void> {
  const conversation = random.pick(conversations.filter((c) => c.people.includes(person)))
  const startedAt = recorder.now()
  const reply = await newestPage(person.rest, conversation.id)
  if (reply?.status !== 200) return
  const messages = (reply.body as MessagePage).items.map(({ id, seq, text, deleted }) => ({ id, seq, text, deleted }))
  recorder.note({ type: 'page', userId: person.rest.userId, conversationId: conversation.id, startedAt, messages })
}

/** The same message again, over another path than the device's, one to three times at once. */
async function repeat({ url, recorder, outstanding, random }: Scene, sent: Sent[]): Promise<void> {
  const able = sent.filter((message) => outstanding.mayRepeat(message.lane, message.id))
  if (able.length === 0) return
  const { person, id, receiverId, text, replyTo } = random.pick(able)
  recorder.note({ type: 'copied', id })
  const copies = Array.from({ length: 1 + random.below(3) }, async () => {
    const body = { id, receiverId, message: text, replyTo }
    const reply = await once(url, person.rest.token, 'POST', '/api/messages/send', body)
    if (reply?.status !== 201) return
    const { seq, rev, createdAt, conversationId } = reply.body as SendReply
    outstanding.answered(id)
    recorder.note({ type: 'acked', device: `${person.username}-rest`, id, seq, rev, createdAt, conversationId })
  })
  await Promise.all(copies)
}

/** The same id with other content: refused, and nothing written, whatever happened to the first. Only for what is known to be stored. */
async function forge({ url, recorder, outstanding, random }: Scene, sent: Sent[]): Promise<void> {
  const stored = sent.filter((message) => outstanding.isAnswered(message.id))
  if (stored.length === 0) return
  const { person, id, conversationId, receiverId } = random.pick(stored)
  const text = `forged ${randomUUID()}`
  const reply = await once(url, person.rest.token, 'POST', '/api/messages/send', { id, receiverId, message: text })
  const outcome = reply === undefined || reply.status >= 429 ? 'unknown' : reply.status < 300 ? 'accepted' : 'refused'
  recorder.note({ type: 'forged', id, conversationId, text, outcome })
}

async function goOffline({ random }: Scene, device: Device): Promise<void> {
  if (!device.online) return
  device.goOffline()
  await pause(200 + random.below(4_000))
  device.comeBack()
}

/**
 * One to three people change at once who is in a group, and as what. Some try what they may not, or are out themselves. The first
 * stays, whoever owns the group, and has seen all of it at the end.
 */
async function changeMembers({ url, conversations, recorder, random }: Scene): Promise<void> {
  const group = random.pick(conversations.filter((c) => c.kind === 'group'))
  const [first, ...others] = group.people as [Person, ...Person[]]
  const path = `/api/conversations/${group.id}/members`
  const acts = Array.from({ length: 1 + random.below(3) }, async () => {
    const by = random.chance(0.4) ? first : random.pick(group.people)
    const dice = random.next()
    const what = dice < 0.45 ? 'add' : dice < 0.75 ? 'remove' : 'role'
    const leaves = what === 'remove' && by !== first && random.chance(0.5)
    const target = leaves ? by : random.pick(what === 'role' ? group.people : others)
    const role = what === 'role' ? random.pick(['admin', 'admin', 'member', 'owner']) : undefined
    const { userId: targetId } = target.rest
    const startedAt = recorder.now()
    const reply =
      what === 'add'
        ? await once(url, by.rest.token, 'POST', path, { userIds: [targetId] })
        : what === 'remove'
          ? await once(url, by.rest.token, 'DELETE', `${path}/${targetId}`)
          : await once(url, by.rest.token, 'PUT', `${path}/${targetId}/role`, { role })
    const { userId } = by.rest
    const asked = { what, userId, targetId, ...(role && { role }), conversationId: group.id } as const
    recorder.note({ type: 'membership', ...asked, startedAt, status: reply?.status })
  })
  await Promise.all(acts)
}

/** One of two blocks the other, or does so no more. */
async function block(scene: Scene): Promise<void> {
  const { conversations, random } = scene
  const { id, people } = random.pick(conversations.filter(({ kind }) => kind === 'direct'))
  const by = random.pick(people)
  await setBlock(scene, id, by, people.find((person) => person !== by)!, random.chance(0.4))
}

async function setBlock({ url, recorder }: Scene, id: string, by: Person, other: Person, on: boolean): Promise<number> {
  const [userId, otherId] = [by.rest.userId, other.rest.userId]
  const startedAt = recorder.now()
  const reply = await once(url, by.rest.token, on ? 'PUT' : 'DELETE', `/api/user/contacts/${otherId}/block`)
  recorder.note({ type: 'block', on, userId, otherId, conversationId: id, startedAt, status: reply?.status })
  return reply?.status ?? 0
}

/** At the end everybody is to reach everybody again. */
async function unblockAll(scene: Scene): Promise<void> {
  for (const { id, kind, people } of scene.conversations)
    for (const by of kind === 'direct' ? people : []) {
      const other = people.find((person) => person !== by)!
      // Who is blocked by the other, and blocks nobody, is told that there is nobody.
      for (let tries = 0; tries < 100; tries++) {
        const status = await setBlock(scene, id, by, other, false)
        if (status === 200 || status === 404) break
        await pause(200)
      }
    }
}
