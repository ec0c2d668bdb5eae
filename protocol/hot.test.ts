import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { z } from 'zod'
import { receipt, sendMessage, typing } from './hot.ts'
import { LIMITS } from './limits.ts'
import { Receipt, SendMessage, Typing } from './requests.ts'

const RUNS = { numRuns: 2_000 }

function agree(schema: z.ZodType, compiled: (input: unknown) => unknown, input: unknown): void {
  Object.freeze(input)
  const { success, data } = schema.safeParse(input)
  const said = compiled(input)
  assert.deepStrictEqual(said, success ? data : undefined)
  assert.deepStrictEqual(said && Object.keys(said), data && Object.keys(data as object))
  if (said !== undefined) assert.notStrictEqual(said, input)
}

function agreeOn(input: unknown): void {
  agree(SendMessage, sendMessage, input)
  agree(Receipt, receipt, input)
  agree(Typing, typing, input)
}

const id = fc
  .tuple(fc.uuid(), fc.constantFrom('lower', 'upper', 'mixed'))
  .map(([uuid, how]) =>
    how === 'lower' ? uuid : how === 'upper' ? uuid.toUpperCase() : uuid.replace(/[ace]/g, (c) => c.toUpperCase()),
  )
const almostId = fc.oneof(
  id.map((uuid) => uuid.slice(1)),
  id.map((uuid) => `${uuid}\n`),
  id.map((uuid) => `{${uuid}}`),
  fc
    .tuple(id, fc.nat(35), fc.constantFrom('-', 'g', 'G', '`', '@', '/', ':', ' ', '０', 'ａ', 'K', '\0', '\ud800', ''))
    .map(([uuid, at, c]) => uuid.slice(0, at) + c + uuid.slice(at + 1)),
  fc.tuple(id, fc.nat(34)).map(([uuid, at]) => uuid.slice(0, at) + uuid[at + 1] + uuid[at] + uuid.slice(at + 2)),
)

const unseen = fc.constantFrom(
  ' ',
  '\n',
  '\t',
  '\u00a0',
  '\u2028',
  '\u3000',
  '\ufeff',
  '\u200b',
  '\u202e',
  '\u00ad',
  '\u0001',
  '\u007f',
  '\u0085',
  '\u{e0041}',
  '\u{1d173}',
)
const odd = fc.constantFrom('\0', '\ud800', '\udfff', '\ud83d', '\u{1f600}', 'é', 'e\u0301', '漢', 'ש', '"', '\\', 'x')
const atLimit = fc
  .tuple(
    fc.constantFrom(
      ...[LIMITS.textCodePoints, LIMITS.textBytes / 4, LIMITS.textBytes / 3, LIMITS.textBytes / 2, LIMITS.textBytes],
    ),
    fc.integer({ min: -2, max: 2 }),
    fc.constantFrom('x', 'é', '漢', '\u{1f600}', ' ', '\u200b', '\ud800', 'x\u{1f600}', '漢\u{1f600}\u{1f600}'),
    fc.constantFrom('', 'x', ' x', '\0', '\ud800', '\udc00', '漢', '\u{1f600}'),
  )
  .map(([length, more, of, end]) => {
    const count = Math.floor(length / [...of].length) + more
    return of.repeat(count) + end
  })
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(unseen).map((parts) => parts.join('')),
  fc.array(fc.oneof(unseen, odd)).map((parts) => parts.join('')),
  { weight: 1, arbitrary: atLimit },
)

const seq = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.double(),
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), NaN, Infinity, -Infinity, '7', 7n, '', true),
)
const anything = fc.oneof(
  fc.jsonValue(),
  fc.anything({ withNullPrototype: true }),
  fc.constantFrom(undefined, null, '', 0, false, [], {}, Object('x'), Object(7), { $ne: null }, [
    '00000000-0000-4000-8000-000000000000',
  ]),
)

/** Mostly what the name calls for, sometimes something else, sometimes nothing, sometimes undefined. */
const field = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 8, arbitrary: good as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything })
const request = fc
  .tuple(
    fc.record(
      {
        id: field(fc.oneof({ weight: 6, arbitrary: id }, almostId)),
        text: field(text),
        conversationId: field(fc.oneof({ weight: 6, arbitrary: id }, almostId)),
        receiverId: field(fc.oneof({ weight: 6, arbitrary: id }, almostId)),
        upToSeq: field(seq),
        replyTo: field(seq),
        forwarded: field(fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constantFrom(false, 1, 'true'))),
      },
      { requiredKeys: [] },
    ),
    fc.dictionary(
      fc.oneof(fc.constantFrom('sender', 'seq', '_placeholder', 'constructor', 'toString'), fc.string()),
      fc.jsonValue(),
      { maxKeys: 2 },
    ),
    fc.boolean(),
  )
  .map(([known, more, first]) => (first ? { ...more, ...known } : { ...known, ...more }))

test('a message that is right, in any script, is read as its schema reads it', () => {
  const receiver = fc.record({ id, text, receiverId: id })
  const conversation = fc.record({ id, text, conversationId: id })
  const extras = fc.record({ replyTo: fc.integer({ min: 1 }), forwarded: fc.constant(true) }, { requiredKeys: [] })
  const carrying = fc
    .tuple(fc.oneof(receiver, conversation), extras)
    .map(([message, more]) => ({ ...message, ...more }))
  fc.assert(fc.property(fc.oneof(receiver, conversation, carrying), agreeOn), RUNS)
})

test('requests that are right, nearly right and quite wrong are read, or refused, as by their schemas', () => {
  fc.assert(fc.property(request, agreeOn), { numRuns: 5_000 })
  fc.assert(fc.property(anything, agreeOn), RUNS)
})

test('whatever JSON can say is read, or refused, as by the schemas', () => {
  const asJson = request.map((value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v)))
  fc.assert(
    fc.property(fc.oneof(asJson, fc.json()), (json) => agreeOn(JSON.parse(json))),
    RUNS,
  )
})

test('marks of every kind of number are read, or refused, as by the schema', () => {
  fc.assert(
    fc.property(id, seq, (conversationId, upToSeq) => agreeOn({ conversationId, upToSeq })),
    RUNS,
  )
})

test('a prototype in the JSON is one more unknown name', () => {
  const conversationId = '00000000-0000-4000-8000-00000000000A'
  for (const json of [
    `{"__proto__":{"conversationId":"${conversationId}","upToSeq":1}}`,
    `{"conversationId":"${conversationId}","upToSeq":1,"__proto__":{"text":"x"}}`,
    `{"__proto__":null,"id":"${conversationId}","text":"x","receiverId":"${conversationId}"}`,
  ])
    agreeOn(JSON.parse(json))
  const known = sendMessage(
    JSON.parse(`{"id":"${conversationId}","text":"x","receiverId":"${conversationId}","__proto__":{"seq":1}}`),
  )
  assert.equal(Object.getPrototypeOf(known), Object.prototype)
})

test('a name that is there without a value stays there', () => {
  const uuid = '00000000-0000-4000-8000-00000000000A'
  agreeOn({ id: uuid, text: 'x', conversationId: uuid, receiverId: undefined })
  agreeOn({ id: uuid, text: 'x', conversationId: undefined, receiverId: uuid })
  agreeOn({ id: uuid, text: 'x', conversationId: undefined, receiverId: undefined })
  agreeOn({
    id: uuid,
    text: 'x',
    conversationId: undefined,
    receiverId: uuid,
    replyTo: undefined,
    forwarded: undefined,
  })
  agreeOn({ forwarded: undefined, receiverId: uuid, text: 'x', id: uuid, replyTo: 3 })
  agreeOn({ conversationId: uuid, upToSeq: undefined })
})

test('a list is no request, whatever else it has', () => {
  const uuid = '00000000-0000-4000-8000-00000000000a'
  agreeOn(Object.assign([], { id: uuid, text: 'x', conversationId: uuid, upToSeq: 1 }))
})

test('texts of every kind of unit are told apart as by the schema', () => {
  const uuid = '00000000-0000-4000-8000-00000000000a'
  for (let unit = 0; unit <= 0xffff; unit++)
    agree(SendMessage, sendMessage, { id: uuid, text: String.fromCharCode(unit), receiverId: uuid })
})
