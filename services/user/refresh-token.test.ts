import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { hashToken, refreshTokens } from './refresh-token.ts'

const chain = refreshTokens(Buffer.alloc(32, 1))
const id = randomUUID()

test('a chain is of one session, never repeats, and each token makes the same next one always', () => {
  const tokens = [chain.first(id)]
  for (let i = 0; i < 100; i++) tokens.push(chain.successor(tokens.at(-1)!))
  assert.equal(new Set(tokens).size, 101)
  for (const token of tokens) assert.deepEqual(chain.read(token), { sessionId: id, hash: hashToken(token) })
  assert.equal(chain.successor(tokens[7]!), tokens[8])
  assert.notEqual(chain.first(id), chain.first(id))
})

test('a token of another key, another session, or with any character changed is none of ours', () => {
  const token = chain.first(id)
  assert.equal(refreshTokens(Buffer.alloc(32, 2)).read(token), undefined)
  assert.equal(chain.read(token.replace(id, randomUUID())), undefined)
  for (let at = 0; at < token.length; at++) {
    const changed = token.slice(0, at) + (token[at] === 'a' ? 'b' : 'a') + token.slice(at + 1)
    assert.equal(chain.read(changed), undefined, `character ${at}`)
  }
})
