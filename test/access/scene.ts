import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Stack } from '@parley/infra/stack'
import type { ConversationItem } from '@parley/protocol/conversation'
import type { SendReply } from '@parley/protocol/socket'
import { connect, type Device } from '../device.ts'
import { freshName, newPerson, type Person } from '../person.ts'
import { type At, type ObjectName, WHO, type Who } from './words.ts'

/** The people who ask, the same all the time; what they ask for is made anew. */
export interface Town extends Disposable {
  shape: Stack['shape']
  url: string
  people: Record<Who, Person>
  newcomer: Person
  device(person: Person): Promise<Device>
}

/** Something to ask for, and what each of those it was made for names by it. */
export interface Scene {
  at(who: Who): At
  /** The same with an id that does not exist, and never did; undefined where the object has none. */
  nowhere(at: At): At | undefined
  /** All that is to be seen of it and, where they are the object, of those askers: what a refusal leaves as it was. */
  state(askers: readonly At[]): Promise<unknown>
}

export async function settle({ shape, url }: Pick<Stack, 'shape' | 'url'>): Promise<Town> {
  const people = {} as Record<Who, Person>
  for (const who of WHO) people[who] = await newPerson(url, who)
  const newcomer = await newPerson(url, 'newcomer')
  const devices = new Map<Person, Promise<Device>>()
  return {
    shape,
    url,
    people,
    newcomer,
    device(person) {
      const device = devices.get(person) ?? person.connect()
      devices.set(person, device)
      return device
    },
    [Symbol.dispose]() {
      for (const device of devices.values())
        device.then(
          (open) => open[Symbol.dispose](),
          () => undefined,
        )
    },
  }
}

/** A socket that says nothing of who it is; resolves with the refusal. */
export async function anonymousDevice(url: string): Promise<unknown> {
  return connect(url, {}).then(
    (device) => {
      device[Symbol.dispose]()
      return undefined
    },
    (refusal) => refusal,
  )
}

const IN_GROUP: readonly Who[] = ['left', 'removed', 'blocked', 'blocker', 'member', 'admin', 'owner']
const PAIRED: readonly Who[] = ['blocked', 'blocker', 'member']
const OF_GROUP: readonly ObjectName[] = ['group', 'ownMessage', 'othersMessage', 'user']
const OF_DIRECT: readonly ObjectName[] = ['direct', 'ownDirectMessage', 'othersDirectMessage']

/** Makes an object with all that is between it and those `askers`. */
export async function makeScene(town: Town, object: ObjectName, askers: readonly Who[]): Promise<Scene> {
  const { url, people, newcomer } = town
  const other = await newPerson(url, 'other')
  const own = object === 'ownMessage' || object === 'ownDirectMessage'
  const places = new Map<Who, Place>()
  if (OF_GROUP.includes(object)) await makeGroup(people, other, askers, own, places)
  if (OF_DIRECT.includes(object)) await makeDirects(people, other, askers, own, places)
  if (OF_GROUP.includes(object) || OF_DIRECT.includes(object)) await relate(people, other, askers)

  const fallback = places.get('member') ?? places.get('owner') ?? { conversationId: '', seq: 1 }
  return {
    at: (who) => ({
      who,
      me: people[who],
      other,
      owner: people.owner,
      newcomer,
      ...(places.get(who) ?? fallback),
      userId: other.id,
      username: other.name,
      sessionId: object === 'othersSession' ? other.sessionId : people[who].sessionId,
      token: object === 'othersSession' ? other.token : people[who].token,
    }),
    nowhere(at) {
      if (object === 'self') return undefined
      if (object === 'user') return { ...at, userId: randomUUID(), username: freshName('nobody') }
      if (object === 'ownSession' || object === 'othersSession')
        return { ...at, sessionId: randomUUID(), token: 'none' }
      return { ...at, conversationId: randomUUID() }
    },
    async state(asking) {
      const conversations = new Set(asking.map(({ conversationId }) => conversationId).filter((id) => id !== ''))
      const known = asking.filter(({ who }) => who !== 'anonymous').map(({ me }) => me)
      return Promise.all([
        ...[...conversations].flatMap((id) =>
          CONVERSATION.map((path) => seen(other, `/api/conversations/${id}${path}`)),
        ),
        ...(object === 'user' ? [other, ...known] : []).flatMap((one) => LISTS.map((list) => seen(one, list))),
        ...(object === 'othersSession' ? [seen(other, '/api/user/me/sessions')] : []),
      ])
    },
  }
}

/** Where an asker finds what is asked for. */
interface Place {
  conversationId: string
  seq: number
}
type People = Town['people']

/** A group of the owner's, with `other` and those askers who are, or were, in it; they wrote before they left. */
async function makeGroup(
  people: People,
  other: Person,
  askers: readonly Who[],
  own: boolean,
  places: Map<Who, Place>,
): Promise<void> {
  const { owner } = people
  const inside = IN_GROUP.filter((who) => askers.includes(who))
  const memberIds = [other, ...inside.filter((who) => who !== 'owner').map((who) => people[who])].map(({ id }) => id)
  const { id } = await done<ConversationItem>(owner.post('/api/conversations', { title: 'Us', memberIds }))
  if (inside.includes('admin'))
    await done(
      owner.ask('PUT', `/api/conversations/${id}/members/${people.admin.id}/role`, { body: { role: 'admin' } }),
    )
  const { seq } = await send(other, id)
  for (const who of WHO) places.set(who, { conversationId: id, seq })
  if (own) for (const who of inside) places.set(who, { conversationId: id, seq: (await send(people[who], id)).seq })
  for (const [who, by] of [
    ['left', people.left],
    ['removed', owner],
  ] as const)
    if (inside.includes(who)) await done(by.ask('DELETE', `/api/conversations/${id}/members/${people[who].id}`))
}

/** Whoever is not one of a pair asks for what the member has with `other`. */
async function makeDirects(
  people: People,
  other: Person,
  askers: readonly Who[],
  own: boolean,
  places: Map<Who, Place>,
): Promise<void> {
  for (const who of new Set(askers.map((asker) => (PAIRED.includes(asker) ? asker : 'member')))) {
    const { id } = await done<ConversationItem>(people[who].ask('PUT', `/api/conversations/direct/${other.id}`))
    // By the person: until something was said the conversation is there for who has opened it alone.
    const { seq } = await send(other, people[who].id)
    places.set(who, { conversationId: id, seq: own ? (await send(people[who], id)).seq : seq })
  }
}

async function relate(people: People, other: Person, askers: readonly Who[]): Promise<void> {
  const contact = (by: Person, method: string, who: Person, act: string) =>
    done(by.ask(method, `/api/user/contacts/${who.id}/${act}`))
  if (askers.includes('friend')) {
    await contact(people.friend, 'PUT', other, 'request')
    await contact(other, 'POST', people.friend, 'accept')
  }
  if (askers.includes('blocked')) await contact(other, 'PUT', people.blocked, 'block')
  if (askers.includes('blocker')) await contact(people.blocker, 'PUT', other, 'block')
}

const CONVERSATION = ['', '/log?after=0&limit=200', '/messages?limit=200']
const LISTS = ['friends', 'incoming', 'outgoing', 'blocked'].map((list) => `/api/user/contacts?list=${list}`)

async function seen(person: Person, path: string): Promise<unknown> {
  const { status, body } = await person.get<object>(path)
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`)
  // Not when a session was last used: asking is using it.
  return JSON.parse(JSON.stringify(body, (name, value) => (name === 'lastUsedAt' ? undefined : value)))
}

const send = (person: Person, to: string): Promise<SendReply> =>
  done(person.post('/api/messages/send', { receiverId: to, message: 'Hello' }))

/** What the scene needs must go well. */
async function done<T>(asked: Promise<{ status: number; body: T }>): Promise<T> {
  const { status, body } = await asked
  assert.ok(status < 300, JSON.stringify(body))
  return body
}
