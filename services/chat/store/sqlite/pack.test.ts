import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { bytesOfWords, hashOf, idOf, wordsOfHash, wordsOfId } from './bytes.ts'

test('ids and hashes of every length are the same after they went as words', () => {
  const words = new Float64Array(9)
  for (let n = 0; n < 500; n++) {
    const id = randomUUID()
    wordsOfId(id, words, 1)
    const bytes = new Uint8Array(16)
    bytesOfWords(words, 1, bytes)
    assert.equal(idOf(bytes), id)

    const hash = randomBytes(16 + (n % 17)).toString('hex')
    wordsOfHash(hash, words, 1)
    const long = new Uint8Array(32)
    bytesOfWords(words, 1, long)
    assert.equal(hashOf(long.subarray(0, hash.length / 2)), hash)
  }
})
