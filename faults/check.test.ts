import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUGS, type Bug } from './bugs.ts'
import { check } from './check.ts'
import { synthetic } from './synthetic.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)

test('the history of a right system shows no anomaly, whatever crashes and repeats it went through', () => {
  for (const seed of SEEDS) assert.deepEqual(check(synthetic(seed)), [], `seed ${seed}`)
})

for (const [bug, invariant] of Object.entries(BUGS) as [Bug, string][]) {
  test(`the checker sees «${bug}» as a breach of ${invariant}`, () => {
    let seen = 0
    for (const seed of SEEDS) {
      if (check(synthetic(seed, bug)).some((anomaly) => anomaly.invariant === invariant)) seen++
      if (seen >= SEEDS.length / 2) return
    }
    assert.fail(`seen with ${seen} of ${SEEDS.length} seeds`)
  })
}

test('an anomaly names its invariant, what kind it is and the message that shows it', () => {
  const [lost] = check(synthetic(1, 'ack before commit')).filter((anomaly) => anomaly.invariant === 'I1')
  assert.equal(lost?.anomaly, 'lost-write')
  assert.match(lost?.detail ?? '', /m\d+b? was acknowledged to \w+-\w+/)
})
