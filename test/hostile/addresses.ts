import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stack } from '@parley/infra/stack'
import type { Town } from './town.ts'
import { exchange, head, statuses } from './wire.ts'

/** Ways to name what is internal, or lies beside the web client, as a careless proxy might let through. */
const PATHS = [
  '/internal',
  '/internal/users?ids=',
  '/internal/control?after=0',
  '/internal/analytics',
  '/internal/audit',
  '//internal/users?ids=',
  '/./internal/users?ids=',
  '/%69nternal/users?ids=',
  '/internal%2fusers?ids=',
  '/internal/../internal/users?ids=',
  '/a/../internal/users?ids=',
  '/a/..;/internal/users?ids=',
  '/a/..%2finternal/users?ids=',
  '/api/../internal/users?ids=',
  '/api/..%2finternal/users?ids=',
  '/api/user/../../internal/users?ids=',
  '/api/user/..;/..;/internal/users?ids=',
  '/api/%2e%2e/internal/users?ids=',
  '/socket.io/../internal/users?ids=',
  '/socket.io/..%2finternal/users?ids=',
  '/INTERNAL/users?ids=',
  '/internal;x/users?ids=',
  '/internal\\users?ids=',
  '/metrics',
  '/metrics/',
  '//metrics',
  '/%6detrics',
  '/a/..;/metrics',
  '/api/../metrics',
  '/api/..%2fmetrics',
  '/assets/../../keys.json',
  '/assets/..%2f..%2fkeys.json',
  '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/..%5c..%5cpackage.json',
  '/.env',
  '/.git/config',
  '/data/keys.json',
  '/node_modules/.package-lock.json',
]

/** Requests on which two servers in a row may disagree where they end; `second` must never be answered as one of its own. */
const SMUGGLED = (url: string): [what: string, request: string][] => {
  const { host } = new URL(url)
  const second = `GET /second HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const post = (headers: string[], body: string) => head(url, 'POST /api/messages/send HTTP/1.1', headers) + body
  const chunked = `0\r\n\r\n${second}`
  return [
    ['a length and chunks', post([`Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked'], chunked)],
    ['two lengths', post(['Content-Length: 0', `Content-Length: ${second.length}`], second)],
    ['a length that is no number', post(['Content-Length: 1x'], second)],
    ['a negative length', post(['Content-Length: -1'], second)],
    ['chunks by a name nobody knows', post(['Transfer-Encoding: xchunked'], chunked)],
    ['chunks twice', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked)],
    ['chunks behind a blank', post(['Transfer-Encoding : chunked'], chunked)],
    ['chunks of no size', post(['Transfer-Encoding: chunked'], `zz\r\n${second}`)],
    ['a header without a name', post([': x'], '')],
    ['a NUL in a header', post(['X-Odd: a\0b'], '')],
    ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['no request', 'nonsense\r\n\r\n'],
    ['HTTP/9.9', head(url, 'GET /healthz HTTP/9.9')],
  ]
}

export function addresses(stack: () => Stack, town: () => Town): void {
  test('nothing internal and no file beside the web client is reached through the public address', async () => {
    const { url, unharmed } = town()
    for (const path of PATHS) {
      const answer = await exchange(url, head(url, `GET ${path} HTTP/1.1`))
      const [status] = statuses(answer)
      // The page of the web client is what any address of its own gets; behind Nginx whatever is accepted.
      const isPage = status === 200 && /content-type: text\/html/i.test(answer) && /<div id="root">/.test(answer)
      assert.ok(isPage || status === 404 || status === 400 || status === 401, `${path}: ${answer.slice(0, 300)}`)
      if (/^\/+(internal|metrics|%69nternal|%6detrics)([/?]|$)/.test(path))
        assert.ok(!isPage, `${path} is nothing at all`)
      assert.doesNotMatch(answer, /parley_sockets|"head":|"signing"|root:x:|lockfileVersion|\[core\]/, path)
    }
    await unharmed('internal addresses')
  })

  test('requests that two servers could read differently are refused', async () => {
    const { url, unharmed } = town()
    for (const [what, request] of SMUGGLED(url)) {
      const answered = statuses(await exchange(url, request))
      assert.equal(answered.length, 1, `${what}: one answer`)
      assert.ok(answered[0]! >= 400, `${what}: ${answered}`)
      await unharmed(what)
    }
    if (stack().shape === 'all-in-one') return
    const twoHosts = head(url, 'GET /healthz HTTP/1.1', ['Host: evil.example'])
    assert.deepEqual(statuses(await exchange(url, twoHosts)), [400], 'two hosts')
    const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']
    const h2c = `${['GET /internal/users?ids= HTTP/1.1', `Host: ${new URL(url).host}`, ...upgrade].join('\r\n')}\r\nConnection: close\r\n\r\n`
    assert.ok([400, 404].includes(statuses(await exchange(url, h2c))[0]!), 'no other protocol')
    await unharmed('two hosts')
  })

  test('headers that are too many or too large are refused', async () => {
    const { url, unharmed } = town()
    const large: [what: string, request: string][] = [
      ['one of 60 KB', head(url, 'GET /healthz HTTP/1.1', [`X-Large: ${'x'.repeat(60_000)}`])],
      [
        'many of 1 KB',
        head(
          url,
          'GET /healthz HTTP/1.1',
          Array.from({ length: 60 }, (_, i) => `X-${i}: ${'x'.repeat(1_000)}`),
        ),
      ],
      ['an address of 60 KB', head(url, `GET /healthz?${'x'.repeat(60_000)} HTTP/1.1`)],
    ]
    for (const [what, request] of large) {
      const [status] = statuses(await exchange(url, request))
      assert.ok([400, 414, 431].includes(status!), `${what}: ${status}`)
      await unharmed(what)
    }
  })
}
