import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientFor, connect } from './mongo.ts'

test('a server that is not there is named in plain words, without the password, and so is an address that is none', async () => {
  await using client = clientFor('mongodb://parley:top%20secret@127.0.0.1:1,127.0.0.1:2/chat', {
    serverSelectionTimeoutMS: 100,
  })
  await assert.rejects(connect(client), ({ message }: Error) => {
    assert.match(
      message,
      /^MongoDB at 127\.0\.0\.1:1, 127\.0\.0\.1:2, which MONGODB_URL names, cannot be reached: .*127/,
    )
    return !message.includes('secret')
  })
  for (const url of [
    'mongodb://parley:top/secret@db/chat',
    'mongodb://parley:secret@db:1/chat?tls=perhaps',
    'secret',
  ]) {
    const told = (error: unknown): boolean =>
      /^MONGODB_URL is no address of a MongoDB: ./.test(String((error as Error).message)) &&
      !/secret/.test(String(error))
    assert.throws(() => clientFor(url, {}), told)
  }
})
