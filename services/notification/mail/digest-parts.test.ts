import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Standing, StandingMember, StandingMessage } from '@parley/protocol/standing'
import fc from 'fast-check'
import { PREFERRED, type Preferences } from '../preferences.ts'
import { CONTENTS } from '../push-body.ts'
import { DIGEST_REASONS, type DigestReason, notByMail, partOf } from './digest-parts.ts'
import { whyDigest, whyNoDigest } from './why-digest.ts'

const AT = new Date('2026-03-04T12:00:00.000Z')
const soon = '2026-03-04T12:00:00.001Z'
const MEMBER: StandingMember = {
  ...{ userId: 'ann', fromSeq: 3, deliveredSeq: 4, readSeq: 4 },
  ...{ level: 'all', mutedUntil: null, active: false },
}
const MESSAGE: StandingMessage = {
  ...{ seq: 5, senderId: 'bob', sender: 'bob', text: 'hello' },
  createdAt: '2026-03-01T00:00:00.000Z',
}

interface So {
  member?: Partial<StandingMember> | 'none'
  message?: Partial<StandingMessage>
  headSeq?: number
  kind?: 'group'
  preferences?: Partial<Preferences>
}

function standing({ member, message, headSeq = 5, kind }: So): Standing {
  const members = member === 'none' ? [] : [{ ...MEMBER, ...member }]
  return { kind: kind ?? 'direct', title: '', headSeq, messages: [{ ...MESSAGE, ...message }], members }
}

/** What is so (else all is as in the first row), and why there is no mail, if so. */
const TABLE: [what: string, so: So, reason: DigestReason | undefined, told?: string][] = [
  ['an unread message, however old', {}, undefined],
  ['delivered is not read', { member: { deliveredSeq: 5 } }, undefined],
  ['push is off', { preferences: { push: false } }, undefined],
  ['mail is off', { preferences: { digest: false } }, 'digest.off', 'You have turned mail about unread messages off.'],
  [
    'not to be disturbed',
    { preferences: { doNotDisturbUntil: soon } },
    'do.not.disturb',
    'You had asked not to be disturbed at that time.',
  ],
  ['disturbed again', { preferences: { doNotDisturbUntil: AT.toISOString() } }, undefined],
  [
    'quiet',
    { preferences: { quietHours: { from: '21:00', to: '07:00', timeZone: 'Asia/Tokyo' } } },
    'quiet.hours',
    'It was in your quiet hours.',
  ],
  ['one’s own', { message: { senderId: 'ann' } }, 'own.message', 'What was new there you sent yourself.'],
  ['left', { member: 'none' }, 'not.member', 'You were not in the conversation any more.'],
  ['from before', { member: { fromSeq: 6 } }, 'before.joining', 'It was sent before you joined.'],
  [
    'gone',
    { message: { gone: true, text: '' } },
    'message.gone',
    'What was new there was deleted, or had disappeared.',
  ],
  ['blocked', { member: { apart: ['bob'] } }, 'blocked', 'You have blocked who sent it, or they have blocked you.'],
  ['another blocked', { member: { apart: ['cem'] } }, undefined],
  ['read', { member: { readSeq: 5 } }, 'read', 'You had read it by then.'],
  ['muted', { member: { mutedUntil: soon } }, 'muted', 'The conversation was muted.'],
  ['muted until now', { member: { mutedUntil: AT.toISOString() } }, undefined],
  [
    'turned off',
    { member: { level: 'none' } },
    'level.none',
    'You have turned notifications off for this conversation.',
  ],
  [
    'mentions only',
    { member: { level: 'mentions' } },
    'level.mentions',
    'In this conversation you are told of mentions and replies only, and it was neither.',
  ],
  ['mentions only, a mention', { member: { level: 'mentions' }, message: { mentions: ['ann'] } }, undefined],
  ['mentions only, a reply', { member: { level: 'mentions' }, message: { answers: 'ann' } }, undefined],
  ['mentions only everywhere, in a direct conversation', { preferences: { level: 'mentions' } }, undefined],
  [
    'turned off everywhere',
    { preferences: { level: 'none' } },
    'all.none',
    'You have turned notifications off for all conversations.',
  ],
  [
    'mentions only everywhere, in a group',
    { kind: 'group', preferences: { level: 'mentions' } },
    'all.mentions',
    'In groups you are told of mentions and replies only, and it was neither.',
  ],
  [
    'active',
    { member: { active: true } },
    'active.device',
    'You were using Parley on one of your devices, which showed it.',
  ],
]

const answerOf = (so: So): DigestReason | undefined => {
  const not = notByMail({ ...PREFERRED, ...so.preferences }, AT)
  if (not) return not
  const found = partOf(standing(so), 'ann', { ...PREFERRED, ...so.preferences }, 'full', AT)
  return 'reason' in found ? found.reason : undefined
}

for (const [what, so, reason, told] of TABLE)
  test(`digest: ${what}: ${reason ?? 'mailed'}`, () => {
    assert.equal(answerOf(so), reason)
    if (!reason) return
    assert.equal(whyNoDigest(reason), told)
    assert.equal(whyDigest('dropped', reason), `No mail was sent. ${told}`)
  })

test('every reason stands in the table, and a conversation that is not there is left', () => {
  const reasons = new Set(TABLE.map(([, , reason]) => reason))
  for (const reason of DIGEST_REASONS) assert.ok(reasons.has(reason), reason)
  assert.deepEqual(partOf(undefined, 'ann', PREFERRED, 'full', AT), { reason: 'not.member' })
})

test('a part tells how many, who and what, and no more than it may', () => {
  const message = (seq: number, more: Partial<StandingMessage> = {}) => ({
    ...MESSAGE,
    seq,
    text: `text ${seq}`,
    ...more,
  })
  const messages = [
    message(5),
    message(6, { senderId: 'ann', sender: 'ann' }),
    message(7, { senderId: 'cem', sender: 'cem' }),
    message(8, { gone: true, text: '' }),
    message(9),
    message(10),
  ]
  const tea: Standing = { kind: 'group', title: 'Tea', headSeq: 10, messages, members: [MEMBER] }
  const [full, sender, none] = CONTENTS.map((content) => partOf(tea, 'ann', PREFERRED, content, AT))
  const all = { kind: 'group', title: 'Tea', count: 4, more: false, senders: ['bob', 'cem'] }
  const texts = [
    { sender: 'cem', text: 'text 7' },
    { sender: 'bob', text: 'text 9' },
    { sender: 'bob', text: 'text 10' },
  ]
  assert.deepEqual(full, { part: { ...all, texts } })
  assert.deepEqual(sender, { part: { ...all, texts: [] } })
  assert.deepEqual(none, { part: { ...all, title: '', senders: [], texts: [] } })
  const later = { ...tea, messages: messages.slice(2) }
  assert.deepEqual(partOf(later, 'ann', PREFERRED, 'none', AT), {
    part: { ...all, count: 3, more: true, title: '', senders: [], texts: [] },
  })
})

test('a quoted text is short, and never cut within a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 200, maxLength: 900 }), (text) => {
      const found = partOf(standing({ message: { text } }), 'ann', PREFERRED, 'full', AT)
      assert.ok('part' in found)
      const [quoted] = found.part.texts
      assert.ok(quoted!.text.length <= 241)
      assert.ok(quoted!.text.isWellFormed() || !text.isWellFormed())
      assert.ok(text.startsWith(quoted!.text.replace(/…$/, '')))
    }),
  )
})
