import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, reader, readLimits } from './config.ts'

test('settings are read, or fall back', () => {
  const read = reader({
    PORT: '8080',
    NAME: 'x',
    PARLEY_ORIGINS: 'https://a.example, http://b.example:81',
    BUS: 'amqp://h/v',
  })
  assert.equal(read.port('PORT', 3000), 8080)
  assert.equal(read.port('OTHER_PORT', 3000), 3000)
  assert.equal(read.text('NAME', 'y'), 'x')
  assert.equal(read.text('NONE', 'y'), 'y')
  assert.deepEqual(read.origins('PARLEY_ORIGINS'), ['https://a.example', 'http://b.example:81'])
  assert.deepEqual(read.origins('NONE'), [])
  assert.equal(read.optionalUrl('BUS', ['amqp:', 'amqps:']), 'amqp://h/v')
  assert.equal(read.optionalUrl('NONE', ['amqp:']), undefined)
  read.throwIfInvalid()
})

test('everything that is wrong is named in one error', () => {
  const read = reader({ PORT: 'eighty', PARLEY_ORIGINS: '*,https://a.example/path', BUS: 'http://h', MANY: '70000' })
  read.port('PORT', 1)
  read.port('MANY', 1)
  read.origins('PARLEY_ORIGINS')
  read.required('MONGODB_URL', 'where it is kept')
  read.requiredUrl('BUS', ['amqp:', 'amqps:'], 'the bus')
  read.problem('and this')
  assert.throws(
    () => read.throwIfInvalid(),
    (error: Error) => {
      assert.ok(error instanceof ConfigError)
      for (const named of [
        /PORT must/,
        /MANY must/,
        /"\*" is not/,
        /a\.example\/path/,
        /MONGODB_URL is missing/,
        /BUS must/,
        /and this/,
      ])
        assert.match(error.message, named)
      return true
    },
  )
})

test('a secret comes from a file as well, and from one place only', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'parley-config-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'url')
  writeFileSync(file, 'mongodb://user:secret@host/db\n')
  assert.equal(reader({ URL_FILE: file }).optional('URL'), 'mongodb://user:secret@host/db')
  for (const env of [{ URL: 'x', URL_FILE: file }, { URL_FILE: join(dir, 'missing') }]) {
    const read = reader(env)
    read.optional('URL')
    assert.throws(() => read.throwIfInvalid(), /URL/)
  }
})

test('limits are overridden by name and stay whole numbers above zero', () => {
  const read = reader({ PARLEY_LIMIT_TEXT_BYTES: '10', PARLEY_LIMIT_PAGE: '0' })
  assert.deepEqual(readLimits(read, { textBytes: 40, page: 50, other: 7 }), { textBytes: 10, page: 50, other: 7 })
  assert.throws(() => read.throwIfInvalid(), /PARLEY_LIMIT_PAGE/)
})
