import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMarkup } from '@parley/protocol/markup'
import fc from 'fast-check'
import { linksIn, realHost } from './links.ts'

const found = (line: string): string[] => linksIn(line).map(({ from, to }) => line.slice(from, to))

test('addresses of the web and of e-mail are links, and nothing else is', () => {
  assert.deepEqual(found('see https://example.org/a_b_c(d)e?x=1#y. And (http://localhost:3000/) too'), [
    'https://example.org/a_b_c(d)e?x=1#y',
    'http://localhost:3000/',
  ])
  assert.deepEqual(found('ann@example.org mailto:bob@example.org'), ['ann@example.org', 'mailto:bob@example.org'])
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://example.org',
    '//example.org',
    'file.ts',
    '@ann',
  ])
    assert.deepEqual(found(text), [], text)
  // A name before the host would pass for the host.
  assert.deepEqual(found('https://bank.example@evil.example/'), ['https://bank.example'])
  assert.deepEqual(found('https://example.org/\u202egnp.exe'), [], 'what turns the order of letters')
})

test('an address says of itself where it leads', () => {
  assert.equal(realHost('https://example.org/x'), undefined)
  assert.equal(realHost('https://\u0430pple.com/'), 'xn--pple-43d.com')
  assert.equal(realHost('mailto:ann@example.org'), undefined)
  const text = fc.array(
    fc.constantFrom(
      'http://',
      'https://',
      'a',
      '.',
      'org',
      '/',
      '@',
      'é',
      '\u0430',
      ' ',
      '(',
      ')',
      '"',
      '<',
      'mailto:',
      '_',
      '*',
    ),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(text, (parts) => {
      const line = parts.join('')
      let end = 0
      for (const { from, to, href } of linksIn(line)) {
        assert.ok(from >= end && to > from)
        end = to
        const { protocol, username } = new URL(href)
        assert.ok(['http:', 'https:', 'mailto:'].includes(protocol) && username === '')
        // What is shown is what is opened, but for the scheme of an address of e-mail.
        assert.ok(href === line.slice(from, to) || href === `mailto:${line.slice(from, to)}`)
      }
    }),
    { numRuns: 3_000 },
  )
})

test('hostile texts of full length are read in next to no time, links and all', () => {
  const full = (part: string): string => part.repeat(Math.ceil(10_000 / part.length)).slice(0, 10_000)
  const parts = [
    '*',
    '[',
    '`',
    'a@',
    'a.',
    'http://',
    'http://a',
    '://',
    '@',
    '//',
    'mailto:',
    'https://a(',
    'a@a.',
    '_a://',
    '漢.com ',
  ]
  for (const text of parts.map(full)) {
    parseMarkup(text, linksIn)
    const best = Math.min(
      ...Array.from({ length: 5 }, () => {
        const before = process.threadCpuUsage()
        parseMarkup(text, linksIn)
        const { user, system } = process.threadCpuUsage(before)
        return (user + system) / 1_000
      }),
    )
    assert.ok(best < 20, `${text.slice(0, 12)}… took ${best.toFixed(1)} ms`)
  }
})
