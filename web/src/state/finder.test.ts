import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContactItem } from '@parley/protocol/contact'
import type { PublicUser } from '@parley/protocol/user'
import { ParleyError } from '@parley/sdk/error'
import { writable } from '@parley/sdk/store'
import type { ConnectionState, ContactsView, ConversationView, Person } from '@parley/sdk/types'
import fc from 'fast-check'
import { type FinderView, noteOf, offered, openFinder } from './finder.ts'

test('those who are known are there at once, contacts first, and one who is called exactly so before all', () => {
  const { finder, ids } = open({ friends: ['ann_b'], directs: ['anna', 'ann'], fellows: ['ann_c', 'bob', 'me'] })
  finder.write('ann')
  assert.deepEqual([ids(), finder.get().phase], [['ann', 'ann_b', 'anna', 'ann_c'], 'asking'])
  finder.write('@smi')
  assert.deepEqual(ids(), ['bob'], 'by a word of the display name, and without the @ that user names are shown with')
  finder.write('b')
  assert.deepEqual([ids(), finder.get().phase], [['bob'], 'idle'], 'one character asks no server')
  finder.write(' ')
  assert.deepEqual([ids(), finder.get().terms], [[], []])
  finder.close()
})

test('nobody who is blocked or has deleted the account is offered, nor who is passed over', () => {
  const { finder, ids, people } = open({ friends: ['anna'], directs: ['ann', 'anne'], blocked: ['ann'] })
  people.set(new Map([...people.get(), ['anne', { id: 'anne', username: '', deleted: true }]]))
  finder.write('an')
  assert.deepEqual(ids(), ['anna'])
  assert.deepEqual(
    ids(({ id }) => id === 'anna'),
    [],
  )
  finder.close()
})

test('what the server finds comes behind, each once, and nobody who is shown moves', async () => {
  const { finder, ids, answer } = open({ directs: ['anna'] })
  finder.write('an')
  await answer(['and', 'anna', 'any'])
  assert.deepEqual([ids(), finder.get().phase], [['anna', 'and', 'any'], 'ready'])
  finder.write('any')
  assert.deepEqual([ids(), finder.get().phase], [['any'], 'asking'], 'who was found stays while more is written')
  await answer(['any', 'any_2'])
  assert.deepEqual(ids(), ['any', 'any_2'])
  finder.write('an')
  await answer(['aaa', 'an', 'any'])
  assert.deepEqual(ids(), ['anna', 'any', 'aaa', 'an'])
  finder.close()
})

test('an answer to what is no longer written is not shown, in whatever order answers come', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('an', 'ann', 'bo', 'bob', 'x', ''), { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat(20)),
      async (written, choices) => {
        const { finder, ids, waiting, asked } = open({})
        for (const text of written) {
          finder.write(text)
          const before = waiting.length
          if (text.length > 1) await asked(before + 1)
        }
        while (waiting.length > 0) {
          const [next] = waiting.splice(choices.next().value! % waiting.length, 1)
          next!.resolve([user(`${next!.q}_1`)])
          await Promise.resolve()
          await Promise.resolve()
        }
        const last = written.at(-1)!
        assert.deepEqual(ids(), last.length > 1 ? [`${last}_1`] : [])
        finder.close()
      },
    ),
    { numRuns: 50 },
  )
})

test('where the server cannot be asked it is said so, and it is asked when it can be again', async () => {
  const { finder, ids, asked, waiting, answer, connection } = open({ friends: ['anna'] })
  finder.write('an')
  await asked(1)
  waiting.pop()!.reject(new ParleyError({ code: 'unavailable', status: 503, title: '', detail: '', type: '' } as never))
  await Promise.resolve()
  await Promise.resolve()
  assert.deepEqual([ids(), finder.get().phase], [['anna'], 'failed'])
  assert.equal(noteOf(finder.get(), 1), 'The server cannot be reached right now to look for others.')
  connection.set('connecting')
  assert.equal(waiting.length, 0)
  connection.set('live')
  await answer(['andy'])
  assert.deepEqual([ids(), noteOf(finder.get(), 2)], [['anna', 'andy'], undefined])
  finder.close()
  connection.set('offline')
  connection.set('live')
  assert.equal(waiting.length, 0)
})

test('a list is short, with room for those whom one does not know yet', () => {
  const many = (prefix: string) => Array.from({ length: 20 }, (_, n) => user(`${prefix}${n}`))
  const view: FinderView = {
    written: 'a',
    terms: [],
    known: many('k'),
    found: many('f'),
    phase: 'ready',
    error: undefined,
  }
  const ids = (some: FinderView) => offered(some, () => false).map(({ id }) => id)
  assert.deepEqual(ids(view), ['k0', 'k1', 'k2', 'k3', 'k4', 'f0', 'f1', 'f2'])
  assert.deepEqual(ids({ ...view, found: [] }), ['k0', 'k1', 'k2', 'k3', 'k4'])
  assert.deepEqual(
    [noteOf(view, 0), noteOf({ ...view, known: [], found: [] }, 0)],
    ['Nobody else was found.', 'Nobody was found.'],
  )
})

const user = (id: string): PublicUser => ({
  id,
  username: id,
  ...(id === 'bob' && { displayName: 'Róbert Smith' }),
})

/** A finder among these people. `answer` waits until the server is asked, and has it answer. */
function open(given: { friends?: string[]; directs?: string[]; fellows?: string[]; blocked?: string[] }) {
  const { friends = [], directs = [], fellows = [], blocked = [] } = given
  const contact = (userId: string) => ({ userId, username: userId }) as ContactItem
  const none = { loaded: true, incoming: [], outgoing: [] }
  const contacts = writable<ContactsView>({ ...none, friends: friends.map(contact), blocked: blocked.map(contact) })
  const talk = (kind: 'direct' | 'group', members: string[]) =>
    ({ kind, members: members.map((userId) => ({ userId, username: userId })) }) as ConversationView
  const people = writable<ReadonlyMap<string, Person>>(
    new Map([...friends, ...directs, ...fellows].map((id) => [id, user(id)])),
  )
  const connection = writable<ConnectionState>('live')
  const waiting: { q: string; resolve(found: PublicUser[]): void; reject(error: Error): void }[] = []
  let heard = (): void => undefined
  const asked = async (count: number): Promise<void> => {
    while (waiting.length < count)
      await new Promise<void>((done) => {
        heard = done
      })
  }
  const finder = openFinder(
    {
      connection,
      contacts: contacts as never,
      conversations: writable([...directs.map((id) => talk('direct', ['me', id])), talk('group', fellows)]),
      people: people as never,
      searchUsers: (q) =>
        new Promise((resolve, reject) => {
          waiting.push({ q, resolve, reject })
          heard()
        }),
    },
    'me',
    0,
  )
  return {
    finder,
    people,
    connection,
    waiting,
    asked,
    ids: (passOver: (person: PublicUser) => boolean = () => false) =>
      offered(finder.get(), passOver).map(({ id }) => id),
    async answer(found: string[]) {
      await asked(1)
      waiting.pop()!.resolve(found.map(user))
      await Promise.resolve()
      await Promise.resolve()
    },
  }
}
