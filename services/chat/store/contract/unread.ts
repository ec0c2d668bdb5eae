import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { OpenStore } from '../store.contract.ts'
import { amendment, message, newGroup, people, persist } from './world.ts'

const who = fc.nat({ max: 2 })
const share = fc.double({ min: 0, max: 1.2, noNaN: true })
const act = fc.oneof(
  fc.record({ do: fc.constant('send' as const), who }),
  fc.record({ do: fc.constant('delete' as const), who, share }),
  fc.record({ do: fc.constant('deliveredSeq' as const), who, share }),
  fc.record({ do: fc.constant('readSeq' as const), who, share }),
)

/** P5, in rounds of things that happen at once, on every handle that the store allows. */
export function unreadContract(name: string, open: OpenStore): void {
  test(`${name}: marks only rise, and unread is what others wrote above them and nobody deleted, whatever happens at once`, {
    timeout: 120_000,
  }, async (t) => {
    const opened = await open(t)
    const stores = [opened.store, (await opened.another?.()) ?? opened.store] as const
    const crowd = people(3)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(act, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), async (rounds) => {
        const room = await newGroup(stores[0], crowd)
        const floor = crowd.map(() => ({ deliveredSeq: 0, readSeq: 0 }))
        for (const acts of rounds) {
          const before = (await stores[0].log.findConversation(room.id))!.headSeq
          const asked = crowd.map(() => ({ deliveredSeq: 0, readSeq: 0 }))
          await Promise.all(
            acts.map(async (each, n) => {
              const store = stores[n % 2]!
              const userId = crowd[each.who]!
              if (each.do === 'send') return persist(store, message(room, userId, 'text'))
              const upToSeq = Math.ceil(each.share * before)
              if (each.do !== 'delete') {
                const mine = asked[each.who]!
                mine[each.do] = Math.max(mine[each.do], upToSeq)
                return store.marks.raise({ conversationId: room.id, userId, [each.do]: upToSeq })
              }
              if (upToSeq >= 1 && upToSeq <= before) return persist(store, amendment(room, userId, upToSeq, 'deleted'))
              return undefined
            }),
          )
          const { headSeq } = (await stores[1].log.findConversation(room.id))!
          const messages = await stores[1].log.readMessages(room.id, 1, headSeq)
          const told = await Promise.all(stores.map((store) => store.marks.read(room.id)))
          for (const [n, userId] of crowd.entries()) {
            const [marks, elsewhere] = told.map((all) => {
              const { deliveredSeq = 0, readSeq = 0 } = all.find((mark) => mark.userId === userId) ?? {}
              return { deliveredSeq, readSeq }
            })
            assert.deepEqual(marks, elsewhere, 'all see the same marks')
            const { deliveredSeq, readSeq } = marks!
            assert.ok(readSeq <= deliveredSeq && deliveredSeq <= headSeq)
            // What was asked for above the head of before is clamped to the head of its own moment.
            const [read, delivered] = [asked[n]!.readSeq, Math.max(asked[n]!.deliveredSeq, asked[n]!.readSeq)]
            assert.ok(readSeq >= Math.max(floor[n]!.readSeq, Math.min(read, before)))
            assert.ok(readSeq <= Math.max(floor[n]!.readSeq, read), 'nothing is read that nobody read')
            assert.ok(deliveredSeq >= Math.max(floor[n]!.deliveredSeq, Math.min(delivered, before)))
            assert.ok(deliveredSeq <= Math.max(floor[n]!.deliveredSeq, delivered))
            floor[n] = { deliveredSeq, readSeq }
            const unread = messages.filter(
              ({ seq, senderId, deleted }) => seq > readSeq && senderId !== userId && !deleted,
            ).length
            for (const store of stores)
              assert.deepEqual(await store.log.countOthers(room.id, userId, readSeq, headSeq, 1_000), { count: unread })
          }
        }
      }),
      { numRuns: 12 },
    )
  })
}
