import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mail } from '@parley/protocol/mail'
import fc from 'fast-check'
import { write } from './letter.ts'
import { messageId, told } from './smtp.ts'

const ORIGIN = 'https://chat.example.net'
const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('<', '>', '"', "'", '&', '\r', '\n', '\u2028', '\0', '</p>', '<script>', 'Bcc: x@y', 'a'))
    .map((all) => all.join('')),
)

test('whatever a stranger chose is text in a letter: as many tags as ever, and no line of its own', () => {
  const letter = (username: string, link: string) => {
    const mail: Mail = { kind: 'password.reset', to: 'a@b', username, link, expiresAt: '2030-01-01T00:30:00.000Z' }
    return write({ id: 'x', at: '2030-01-01T00:00:00.000Z', mail }, ORIGIN)
  }
  const tags = (html: string) => html.match(/<[^>]*>?/g)!.map((tag) => tag.slice(0, 3))
  const plain = letter('ann', 'https://x/#y')
  fc.assert(
    fc.property(nasty, nasty, (username, rest) => {
      const link = `https://x/${rest}`
      const { subject, html, text } = letter(username, link)
      assert.deepEqual(tags(html), tags(plain.html))
      assert.equal(subject, plain.subject)
      assert.equal(text.split('\n').length, plain.text.split('\n').length)
      assert.equal(
        /javascript:|data:/i.exec(letter(username, `javascript:${rest}`).html.match(/href="[^"]*"/)?.[0] ?? ''),
        null,
      )
    }),
  )
})

test('a Message-ID is one of RFC 5322 for any id, and the same for the same', () => {
  fc.assert(
    fc.property(nasty, (id) => {
      assert.match(messageId(id, ORIGIN), /^<[\w-]{1,64}@chat\.example\.net>$/)
      assert.equal(messageId(id, ORIGIN), messageId(id, ORIGIN))
    }),
  )
  assert.equal(messageId('0197-a', 'http://127.0.0.1:3000'), '<0197-a@[127.0.0.1]>')
  assert.notEqual(messageId('a b', ORIGIN), messageId('a  b', ORIGIN))
})

test('what a server said is kept as one short line without an address', () => {
  fc.assert(
    fc.property(nasty, fc.emailAddress(), (before, address) => {
      const said = told(`${before} <${address}> ${before}`)
      assert.ok(said.length <= 200 && !/[\r\n\0]/.test(said) && !said.includes(address))
    }),
  )
  assert.equal(told('550-5.1.1 <ann@example.org>:\r\n550 5.1.1 no such user'), '550-5.1.1 …: 550 5.1.1 no such user')
})
