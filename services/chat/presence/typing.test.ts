import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { OPEN } from '@parley/protocol/profile'
import { unopenedDirect } from '../direct.ts'
import { groupOf } from '../membership/group.fixture.ts'
import { openTyping } from './typing.ts'

test('in a group the first who types is told at once, and at the end of each second what is true then', async (t) => {
  const { person, told } = typingIn(t, groupOf(['ann', 'bob', 'cleo', 'dan']))
  const [ann, bob, cleo] = [person('ann'), person('bob'), person('cleo')]
  await ann.starts()
  await bob.starts()
  await cleo.starts()
  await cleo.stops()
  await ann.stops()
  assert.deepEqual(told.splice(0), ['ann starts'])
  t.mock.timers.tick(1_000)
  assert.deepEqual(told.splice(0), ['ann stops', 'bob starts'], 'cleo had stopped before anyone was told')
  await bob.stops()
  await bob.starts()
  await bob.stops()
  t.mock.timers.tick(1_000)
  assert.deepEqual(told.splice(0), ['bob stops'])
  t.mock.timers.tick(2_000)
  await cleo.starts()
  assert.deepEqual(told, ['cleo starts'], 'at once after a quiet second')
})

test('of all who type in a group at most five are told, the next when one of them has stopped', async (t) => {
  const names = Array.from({ length: 1_000 }, (_, index) => `user${index}`)
  const { person, told } = typingIn(t, groupOf(names))
  const typists = names.map(person)
  for (const typist of typists) await typist.starts()
  for (let second = 0; second < 3; second++) t.mock.timers.tick(1_000)
  assert.deepEqual(
    told.splice(0),
    names.slice(0, 5).map((name) => `${name} starts`),
  )
  typists[2]!.goes()
  await new Promise(setImmediate)
  await typists[9]!.stops()
  await typists[9]!.starts()
  t.mock.timers.tick(1_000)
  assert.deepEqual(told, ['user2 stops', 'user9 starts'])
})

test('in a direct conversation all of it is told at once', async (t) => {
  const { person, told } = typingIn(t, unopenedDirect('ann', 'bob'))
  const ann = person('ann')
  for (let n = 0; n < 2; n++) {
    await ann.starts()
    await ann.stops()
  }
  assert.deepEqual(told, ['ann starts', 'ann stops', 'ann starts', 'ann stops'])
})

test('in a direct conversation in which nothing was said, who has not opened it is told nothing', async (t) => {
  const empty = unopenedDirect('ann', 'bob')
  const { person, told, becomes } = typingIn(t, { ...empty, openedBy: ['ann'] })
  const ann = person('ann')
  await ann.starts()
  await ann.stops()
  becomes({ ...empty, openedBy: ['ann', 'bob'] })
  await ann.starts()
  assert.deepEqual(told, ['ann starts'])
  becomes({ ...empty, openedBy: ['ann'], headSeq: 1 })
  await ann.stops()
  assert.deepEqual(told, ['ann starts', 'ann stops'])
})

test('closing gives up what waits to be told', async (t) => {
  const { typing, person, told } = typingIn(t, groupOf(['ann', 'bob', 'cleo']))
  for (const name of ['ann', 'bob']) await person(name).starts()
  typing[Symbol.dispose]()
  t.mock.timers.tick(5_000)
  assert.deepEqual(told, ['ann starts'])
})

/** Typing in one conversation, with a clock that only the test moves; what the others are told is noted. */
function typingIn(t: TestContext, first: ReturnType<typeof groupOf>) {
  let conversation = first
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: string[] = []
  const typing = openTyping(
    { findConversation: async () => conversation },
    {
      event(name, data, { about, ephemeral }) {
        const { userId } = data as { userId: string }
        assert.deepEqual({ about, ephemeral }, { about: userId, ephemeral: true })
        told.push(`${userId} ${name === 'typing.start' ? 'starts' : 'stops'}`)
        return undefined
      },
    },
    { apart: () => false },
    { of: () => OPEN },
  )
  t.after(() => typing[Symbol.dispose]())
  function person(userId: string) {
    const device = { actor: { userId }, typing: new Map<string, number>() }
    return {
      starts: () => typing.start(device, conversation.id),
      stops: () => typing.stop(device, conversation.id),
      goes: () => typing.went(device),
    }
  }
  const becomes = (next: typeof first): void => {
    conversation = next
  }
  return { typing, person, told, becomes }
}
