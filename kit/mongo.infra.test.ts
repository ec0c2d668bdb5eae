import assert from 'node:assert/strict'
import { test } from 'node:test'
import { infra } from '@parley/infra/infra'
import { connect, mongoClient } from './mongo.ts'

test('who starts a service as a user whom MongoDB does not know is told so, and not that it is away', async () => {
  const url = new URL(await infra.mongodb())
  const host = url.host
  url.username = 'nobody'
  url.password = 'top-secret'
  await using client = mongoClient(url.href)
  await assert.rejects(connect(client), ({ message }: Error) => {
    assert.ok(message.startsWith(`MongoDB at ${host}, which MONGODB_URL names, refuses the user "nobody": `), message)
    return !message.includes('secret')
  })
})
