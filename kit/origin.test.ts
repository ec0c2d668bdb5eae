import assert from 'node:assert/strict'
import { test } from 'node:test'
import { originAllowed } from './origin.ts'

const listed = ['https://chat.example.org']

test('a program that is no browser page needs no origin', () => {
  assert.equal(originAllowed(undefined, 'localhost:3000', []), true)
})

test('a page of the same host may act, whether or not the port is spelled out', () => {
  assert.equal(originAllowed('http://localhost:3000', 'localhost:3000', []), true)
  assert.equal(originAllowed('https://chat.example.org', 'chat.example.org:443', []), true)
  assert.equal(originAllowed('http://CHAT.example.org', 'chat.example.org', []), true)
})

test('a listed page may act under any host', () => {
  assert.equal(originAllowed('https://chat.example.org', 'user-service:3001', listed), true)
})

test('a foreign page may not act', () => {
  for (const origin of [
    'https://evil.example',
    'http://localhost:3001',
    'http://chat.example.org',
    'https://chat.example.org.evil.example',
    'https://evil.example/?https://chat.example.org',
    'null',
    '',
    'file://',
    'chrome-extension://abcdef',
    'not an origin',
  ])
    assert.equal(originAllowed(origin, 'localhost:3000', listed), false, origin)
})

test('a host that is no host lets nobody in', () => {
  assert.equal(originAllowed('https://evil.example', undefined, []), false)
  assert.equal(originAllowed('https://evil.example', 'a b', []), false)
  assert.equal(originAllowed('http://localhost', 'x@localhost', []), true, 'credentials in Host are no part of it')
})
