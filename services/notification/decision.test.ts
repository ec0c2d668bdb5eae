import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StandingMember, StandingMessage } from '@parley/protocol/standing'
import fc from 'fast-check'
import { CAUSES, type Cause, decide, REASONS, type Reason, reasonForAll, type Situation } from './decision.ts'
import { isQuiet, PREFERRED, type Preferences } from './preferences.ts'
import { whyNot, whyPushed } from './why.ts'

const AT = new Date('2026-03-04T12:00:00.000Z')
const soon = '2026-03-04T12:00:00.001Z'
const MEMBER: StandingMember = {
  ...{ userId: 'ann', fromSeq: 3, deliveredSeq: 4, readSeq: 4 },
  ...{ level: 'all', mutedUntil: null, active: false },
}
const MESSAGE: StandingMessage = {
  ...{ seq: 5, senderId: 'bob', sender: 'bob', text: 'hello' },
  createdAt: '2026-03-04T11:59:50.000Z',
}

interface Change {
  member?: Partial<StandingMember>
  message?: Partial<StandingMessage>
  preferences?: Partial<Preferences>
  away?: true
  devices?: number
  kind?: Situation['kind']
}

function situation({ member, message, preferences, away, devices = 1, kind = 'group' }: Change): Situation {
  return {
    ...{ userId: 'ann', kind, devices, at: AT },
    member: away ? undefined : { ...MEMBER, ...member },
    message: { ...MESSAGE, ...message },
    preferences: { ...PREFERRED, ...preferences },
  }
}

const named = { mentions: ['cem', 'ann'] }

/** What is so (else all is as in the first row), what is decided, and what who asks is told. */
const TABLE: [what: string, so: Change, answer: Cause | Reason, told: string][] = [
  ['a message', {}, 'message', 'It is new in a conversation that you are told of.'],
  ['a mention', { message: named }, 'mention', 'It mentions you.'],
  ['a mention of someone else', { message: { mentions: ['cem'] } }, 'message', whyPushed('message')],
  ['a reply', { message: { answers: 'ann' } }, 'reply', 'It answers a message of yours.'],
  ['a reply to someone else', { message: { answers: 'cem' } }, 'message', whyPushed('message')],
  ['a reply that mentions', { message: { ...named, answers: 'ann' } }, 'mention', whyPushed('mention')],
  ['a mention of everybody', { message: { mentionsAll: true } }, 'mention.all', 'It mentions everybody.'],
  ['one’s own', { message: { senderId: 'ann' } }, 'own.message', 'You sent it yourself.'],
  ['no member', { away: true }, 'not.member', 'You were not in the conversation any more.'],
  ['from before', { member: { fromSeq: 6 } }, 'before.joining', 'It was sent before you joined.'],
  ['the first one may see', { member: { fromSeq: 5 } }, 'message', whyPushed('message')],
  [
    'gone',
    { message: { ...named, gone: true } },
    'message.gone',
    'It was deleted, or had disappeared, before you were told.',
  ],
  ['blocked', { member: { apart: ['bob'] } }, 'blocked', 'You have blocked who sent it, or they have blocked you.'],
  ['another blocked', { member: { apart: ['cem'] } }, 'message', whyPushed('message')],
  ['read', { member: { readSeq: 5 } }, 'read', 'You had read it already.'],
  ['delivered is not read', { member: { deliveredSeq: 5 } }, 'message', whyPushed('message')],
  [
    'a day old',
    { message: { createdAt: '2026-03-03T11:59:59.999Z' } },
    'too.old',
    'It was more than a day old when it could be told: the notifications had been away.',
  ],
  ['nearly a day old', { message: { createdAt: '2026-03-03T12:00:00.000Z' } }, 'message', whyPushed('message')],
  ['muted', { member: { mutedUntil: soon } }, 'muted', 'The conversation was muted.'],
  ['muted, and mentioned', { member: { mutedUntil: soon }, message: named }, 'muted', whyNot('muted')],
  ['muted until now', { member: { mutedUntil: AT.toISOString() } }, 'message', whyPushed('message')],
  [
    'turned off',
    { member: { level: 'none' }, message: named },
    'level.none',
    'You have turned notifications off for this conversation.',
  ],
  [
    'mentions only',
    { member: { level: 'mentions' } },
    'level.mentions',
    'In this conversation you are told of mentions and replies only, and it was neither.',
  ],
  ['mentions only, a mention', { member: { level: 'mentions' }, message: named }, 'mention', whyPushed('mention')],
  [
    'mentions only, a reply',
    { member: { level: 'mentions' }, message: { answers: 'ann' } },
    'reply',
    whyPushed('reply'),
  ],
  [
    'mentions only, everybody',
    { member: { level: 'mentions' }, message: { mentionsAll: true } },
    'mention.all',
    whyPushed('mention.all'),
  ],
  [
    'turned off everywhere',
    { preferences: { level: 'none' }, message: named },
    'all.none',
    'You have turned notifications off for all conversations.',
  ],
  [
    'mentions only everywhere',
    { preferences: { level: 'mentions' } },
    'all.mentions',
    'In groups you are told of mentions and replies only, and it was neither.',
  ],
  [
    'mentions only everywhere, a mention',
    { preferences: { level: 'mentions' }, message: named },
    'mention',
    whyPushed('mention'),
  ],
  [
    'mentions only everywhere, in a direct conversation',
    { kind: 'direct', preferences: { level: 'mentions' } },
    'message',
    whyPushed('message'),
  ],
  [
    'active',
    { member: { active: true }, message: named },
    'active.device',
    'You were using Parley on one of your devices, which showed it.',
  ],
  ['off', { preferences: { push: false } }, 'channel.off', 'You have turned push notifications off.'],
  [
    'not to be disturbed',
    { preferences: { doNotDisturbUntil: soon } },
    'do.not.disturb',
    'You had asked not to be disturbed at that time.',
  ],
  ['disturbed again', { preferences: { doNotDisturbUntil: AT.toISOString() } }, 'message', whyPushed('message')],
  [
    'quiet',
    { preferences: { quietHours: { from: '21:00', to: '07:00', timeZone: 'Asia/Tokyo' } }, message: named },
    'quiet.hours',
    'It came in your quiet hours.',
  ],
  [
    'not quiet here',
    { preferences: { quietHours: { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' } } },
    'message',
    whyPushed('message'),
  ],
  ['no device', { devices: 0 }, 'no.device', 'None of your devices was registered for push notifications.'],
]

for (const [what, so, answer, told] of TABLE)
  test(`decision: ${what}: ${answer}`, () => {
    const decision = decide(situation(so))
    const isCause = (CAUSES as readonly string[]).includes(answer)
    assert.deepEqual(decision, isCause ? { outcome: 'push', because: answer } : { outcome: 'none', reason: answer })
    assert.equal(decision.outcome === 'push' ? whyPushed(decision.because) : whyNot(decision.reason), told)
  })

test('every answer stands in the table', () => {
  const answers = new Set(TABLE.map(([, , answer]) => answer))
  for (const answer of [...REASONS, ...CAUSES]) assert.ok(answers.has(answer), answer)
})

test('of several reasons the first is given, whatever else is so', () => {
  const each = TABLE.flatMap(([, so, answer]) =>
    (REASONS as readonly string[]).includes(answer) ? [[so, answer as Reason] as const] : [],
  )
  fc.assert(
    fc.property(fc.subarray(each, { minLength: 1 }), (some) => {
      const all: Required<Pick<Change, 'member' | 'message' | 'preferences'>> & Change = {
        member: {},
        message: {},
        preferences: {},
      }
      for (const [{ member, message, preferences, ...rest }] of some) {
        Object.assign(all, rest)
        Object.assign(all.member, member)
        Object.assign(all.message, message)
        Object.assign(all.preferences, preferences)
      }
      const decision = decide(situation(all))
      const reasons = some.map(([, reason]) => reason)
      // A level is one of three: the later one in the list was set last. A mention makes `level.mentions` hold no more.
      const holds = (reason: Reason): boolean => {
        if (reason === 'level.none') return all.member.level === 'none'
        if (reason === 'all.none') return all.preferences.level === 'none'
        return (reason !== 'level.mentions' && reason !== 'all.mentions') || !all.message.mentions
      }
      const first = REASONS.find((reason) => reasons.includes(reason) && holds(reason))
      if (first) assert.deepEqual(decision, { outcome: 'none', reason: first })
      else assert.equal(decision.outcome, 'push')
    }),
  )
})

test('what holds for all messages is no push of any of them', () => {
  const all = TABLE.map(([, so]) => so)
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.constantFrom(...all),
      fc.integer({ min: 5, max: 9 }),
      (one, other, upTo) => {
        const so = situation({ ...other, ...one, message: { ...other.message, ...one.message } })
        const reason = reasonForAll(so, upTo)
        if (reason) assert.equal(decide(so).outcome, 'none')
        else assert.ok(so.member && upTo > so.member.readSeq)
      },
    ),
  )
  const { member: _, ...nobody } = situation({})
  assert.equal(reasonForAll({ ...nobody, member: undefined }, 5), 'not.member')
})

test('quiet hours go by the clock of the user’s own zone, over midnight, and when clocks are put forward or back', () => {
  const berlin = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' }
  for (const [at, quiet] of [
    ['2026-01-01T20:59:59Z', false],
    ['2026-01-01T21:00:00Z', true],
    ['2026-01-01T23:00:00Z', true],
    ['2026-01-02T05:59:59Z', true],
    ['2026-01-02T06:00:00Z', false],
    // Summer time begins on 29 March at 01:00 UTC, and ends on 25 October at 01:00 UTC.
    ['2026-03-29T05:00:00Z', false],
    ['2026-03-29T04:59:59Z', true],
    ['2026-10-25T05:59:59Z', true],
    ['2026-10-25T06:00:00Z', false],
  ] as const)
    assert.equal(isQuiet(berlin, new Date(at)), quiet, at)
  const noon = { from: '12:00', to: '13:30', timeZone: 'UTC' }
  assert.ok(isQuiet(noon, new Date('2026-01-01T12:00:00Z')) && !isQuiet(noon, new Date('2026-01-01T13:30:00Z')))
  const always = { from: '00:00', to: '00:00', timeZone: 'UTC' }
  assert.ok(isQuiet(always, new Date('2026-01-01T00:00:00Z')) && isQuiet(always, new Date('2026-01-01T23:59:00Z')))
  assert.equal(isQuiet(null, AT), false)
})
