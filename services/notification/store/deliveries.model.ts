import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Channel, Outcome } from './deliveries.ts'
import type { Several } from './store.contract.ts'

const LEASE = 100
const NOW = Date.parse('2030-01-01T00:00:00.000Z')

/** What the ledger is to hold, without a store. */
interface Row {
  state: 'planned' | 'sending' | 'over'
  dueAt: number
  epoch: number
}

const step = fc.oneof(
  fc.record({ do: fc.constant('plan' as const), n: fc.nat(5), inMs: fc.nat(150) }),
  fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant('renew' as const), n: fc.nat(5), stale: fc.nat(1) }),
  fc.record({
    do: fc.constant('settle' as const),
    n: fc.nat(5),
    stale: fc.nat(1),
    kind: fc.constantFrom('sent' as const, 'retry' as const, 'failed' as const, 'dropped' as const),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(120) }),
)

/** Whatever two processes do to the ledger, in whatever order, each step answers as a plain table would. */
export function deliveriesModel(name: string, several: Several, runs: number): void {
  test(`${name}: whatever is planned, claimed, renewed and settled in any order, the ledger is as a plain table`, async (t) => {
    const stores = (await several(t, 2)).map(({ deliveries }) => deliveries)
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(1)), { minLength: 30, maxLength: 60 }), async (steps) => {
        const channel = `channel ${++run}` as Channel
        const rows = new Map<string, Row>()
        let now = NOW
        for (const [what, i] of steps) {
          const store = stores[i]!
          const id = 'n' in what ? `${run}/${what.n}` : ''
          const row = rows.get(id)
          switch (what.do) {
            case 'plan': {
              const dueAt = now + what.inMs
              await store.plan([{ id, channel, plannedAt: now, dueAt, payload: { id } }])
              if (!row) rows.set(id, { state: 'planned', dueAt, epoch: 0 })
              break
            }
            case 'claim': {
              const claims = await store.claim({ channel, owner: 'me', now, leaseMs: LEASE, limit: what.limit })
              const due = [...rows].filter(([, { state, dueAt }]) => state !== 'over' && dueAt <= now)
              assert.equal(claims.length, Math.min(what.limit, due.length))
              const times = claims.map((claim) => rows.get(claim.id)!.dueAt)
              assert.deepEqual(
                times,
                due
                  .map(([, { dueAt }]) => dueAt)
                  .toSorted((a, b) => a - b)
                  .slice(0, times.length),
              )
              for (const claim of claims) {
                const claimed = rows.get(claim.id)!
                Object.assign(claimed, { state: 'sending', dueAt: now + LEASE, epoch: claimed.epoch + 1 })
                assert.deepEqual(
                  [claim.epoch, claim.leaseUntil, claim.payload],
                  [claimed.epoch, claimed.dueAt, { id: claim.id }],
                )
              }
              break
            }
            case 'renew': {
              const good = row?.state === 'sending' && what.stale === 0
              assert.equal(await store.renew(id, (row?.epoch ?? 1) - what.stale, now + LEASE), good)
              if (good) row.dueAt = now + LEASE
              break
            }
            case 'settle': {
              const good = row?.state === 'sending' && what.stale === 0
              const outcome: Outcome =
                what.kind === 'sent' ? { kind: 'sent' } : { kind: what.kind, at: now + 50, reason: 'r' }
              assert.equal(await store.settle(id, (row?.epoch ?? 1) - what.stale, outcome, now), good)
              if (good)
                Object.assign(row, what.kind === 'retry' ? { state: 'planned', dueAt: now + 50 } : { state: 'over' })
              break
            }
            case 'wait':
              now += what.ms
              break
            default:
              what satisfies never
          }
          const open = [...rows.values()].filter(({ state }) => state !== 'over').map(({ dueAt }) => dueAt)
          assert.equal(await store.nextDue(channel), open.length === 0 ? undefined : Math.min(...open))
        }
      }),
      { numRuns: runs },
    )
  })
}
