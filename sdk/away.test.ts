import assert from 'node:assert/strict'
import test from 'node:test'
import type { MessageEntry } from '@parley/protocol/conversation'
import { changed, type MessageChange } from '@parley/protocol/message-change'
import fc from 'fast-check'
import { AWAY_MAX, type Away, meets, withNewer, withOlder } from './away.ts'
import { meanwhile, prepend, withChanges } from './timeline.ts'

const PAGE = 20
const LIVE = 30

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('jump' as const), seq: fc.integer({ min: 1, max: 900 }) }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'older' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'newer' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('said' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('edited' as const), seq: fc.integer({ min: 1, max: 900 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'latest' as const }) },
)

test('wherever one jumps and however one goes on, what is shown has no hole and shows every change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
      const server = Array.from({ length: 400 }, (_, n) => messageOf(n + 1))
      let rev = 1_000
      const conversation = { meanwhile: new Set<MessageChange[]>() }
      let live: readonly MessageEntry[] = server.slice(-LIVE)
      let away: Away<MessageEntry> | undefined
      const head = (): number => server.length

      const say = (): void => {
        server.push(messageOf(head() + 1))
        live = [...live, server.at(-1)!]
      }
      const edit = (seq: number): void => {
        const change = edited(Math.min(seq, head()), ++rev)
        server[change.seq - 1] = changed(server[change.seq - 1]!, change)
        live = withChanges(live, [change])
        if (away) away = { messages: withChanges(away.messages, [change]) }
        for (const changes of conversation.meanwhile) changes.push(change)
      }
      /** A page as it was when it was read; what happens on its way is not in it. */
      const page = (from: number, to: number, onItsWay: () => void): Promise<readonly MessageEntry[]> =>
        meanwhile(conversation, async () => {
          const read = server.slice(Math.max(0, from - 1), to)
          onItsWay()
          return read
        })
      const join = (): void => {
        if (!away || !meets(away, live[0]!.seq)) return
        live = prepend(live, away.messages, head())
        away = undefined
      }

      for (const [n, one] of steps.entries()) {
        const onItsWay = (): void => {
          if (n % 3 === 0) edit(((n * 37) % head()) + 1)
          if (n % 5 === 0) say()
        }
        if (one.kind === 'said') for (let count = 0; count < one.count; count++) say()
        if (one.kind === 'edited') edit(one.seq)
        if (one.kind === 'latest') away = undefined
        if (one.kind === 'jump') {
          const seq = Math.min(one.seq, head())
          const messages = await page(seq - PAGE / 2, seq + PAGE / 2, onItsWay)
          away = { messages }
          join()
        }
        if (one.kind === 'older') {
          const first = (away?.messages ?? live)[0]!.seq
          const older = await page(first - PAGE, first - 1, onItsWay)
          if (away) away = withOlder(away, older)
          else live = prepend(live, older, head())
        }
        if (one.kind === 'newer' && away) {
          const last = away.messages.at(-1)!.seq
          const newer = await page(last + 1, last + PAGE, onItsWay)
          away = withNewer(away, newer)
          join()
        }
        for (const shown of [live, away?.messages ?? live]) {
          const first = shown[0]!.seq
          assert.deepEqual(shown, server.slice(first - 1, first - 1 + shown.length), 'dense, and as the server has it')
        }
        assert.equal(live.at(-1)!.seq, head(), 'what is new arrives in the live range, wherever one is')
        assert.ok((away?.messages.length ?? 0) <= AWAY_MAX)
        if (away) assert.ok(!meets(away, live[0]!.seq), 'away only as long as there is a hole')
      }
    }),
    { numRuns: 200 },
  )
})

function messageOf(seq: number): MessageEntry {
  const place = {
    conversationId: 'c',
    rev: seq,
    seq,
    headSeq: seq,
    membersRev: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
  }
  return { kind: 'message', id: `m${seq}`, senderId: 'u', text: `${seq}`, ...place }
}

function edited(seq: number, rev: number): MessageChange {
  const place = { conversationId: 'c', rev, headSeq: 0, membersRev: 1, createdAt: '2026-01-02T00:00:00.000Z' }
  return { kind: 'message.edited', id: `e${rev}`, senderId: 'u', seq, text: `${seq} as of ${rev}`, ...place }
}
