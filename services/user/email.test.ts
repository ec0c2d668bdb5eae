import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkedEmail, foldEmail } from './email.ts'

test('addresses that differ by case, width, composition or spelling of the domain are the same', () => {
  for (const [one, other] of [
    ['John@Example.COM', 'john@example.com'],
    [' john@example.com ', 'john@example.com'],
    ['ｊohn@example.com', 'john@example.com'],
    ['john＠example.com', 'john@example.com'],
    ['zoe\u0308@example.com', 'zoë@example.com'],
    ['ann@bücher.example', 'ann@XN--BCHER-KVA.example'],
  ] as const)
    assert.equal(foldEmail(one), foldEmail(other), one)
  assert.equal(foldEmail('ann@bücher.example'), 'ann@xn--bcher-kva.example')
  assert.notEqual(foldEmail('a.nn@example.com'), foldEmail('ann@example.com'))
  assert.notEqual(foldEmail('ann+x@example.com'), foldEmail('ann@example.com'))
})

test('what no mail could reach is no address', () => {
  for (const address of [
    '',
    'ann',
    '@example.com',
    'ann@',
    'ann@example',
    'ann@@example.com',
    'ann@b@example.com',
    'a nn@example.com',
    'ann@exa mple.com',
    'ann@example.com\r\nBcc: x@example.com',
    'ann\u0000@example.com',
    '.ann@example.com',
    'ann.@example.com',
    'a..nn@example.com',
    '"ann"@example.com',
    'ann@[127.0.0.1]',
    'ann@127.0.0.1',
    'ann@0x7f.1',
    'ann@-example.com',
    'ann@example-.com',
    'ann@.example.com',
    'ann@example..com',
    'ann@example.com.',
    'ann@ex%61mple.com',
    'ann <ann@example.com>',
    'ann@example.com, ben@example.com',
    `${'a'.repeat(65)}@example.com`,
    `ann@${'a'.repeat(64)}.com`,
    `ann@${'abcdefgh.'.repeat(30)}com`,
    'ann\u202E@example.com',
    'ann\u200B@example.com',
  ])
    assert.equal(foldEmail(address), undefined, JSON.stringify(address))
})

test('a refusal names the field and keeps what was typed out of the reply', () => {
  assert.throws(() => checkedEmail('secret stuff'), {
    code: 'validation.failed',
    errors: [{ pointer: '/email', detail: 'must be an e-mail address' }],
  })
  assert.deepEqual(checkedEmail(' John@Example.com '), { email: 'John@Example.com', emailKey: 'john@example.com' })
})

test('folding never fails, and folding twice changes nothing', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.emailAddress(),
    fc.string().map((s) => `${s}@example.com`),
  )
  fc.assert(
    fc.property(text, (address) => {
      const once = foldEmail(address)
      if (once !== undefined) assert.equal(foldEmail(once), once)
    }),
  )
})
