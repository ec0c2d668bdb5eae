import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { reader } from '@parley/kit/config'
import { readUserService, userConfig } from './config.ts'

const GOOD = {
  PARLEY_KEY_FILE: '/run/keys.json',
  MONGODB_URL: 'mongodb://db/parley',
  RABBITMQ_URL: 'amqp://broker',
  PARLEY_ORIGINS: 'https://chat.example.org',
}

test('in one process everything has a default, in the data folder', () => {
  const config = userConfig(reader({}))
  assert.deepEqual(config.store, { sqlitePath: 'data/user.db' })
  assert.equal(config.keyFile, 'data/keys.json')
  assert.equal(config.bcryptCost, 12)
  assert.deepEqual(userConfig(reader({ PARLEY_DATA: '/srv' })).store, { sqlitePath: '/srv/user.db' })
  assert.deepEqual(userConfig(reader({ MONGODB_URL: GOOD.MONGODB_URL })).store, { mongoUrl: GOOD.MONGODB_URL })
})

test('by itself it is told where store, broker, keys and web client are', () => {
  const config = readUserService({
    ...GOOD,
    PORT: '8001',
    PARLEY_BCRYPT_COST: '10',
    PARLEY_LIMIT_DEVICES_PER_USER: '5',
  })
  assert.equal(config.port, 8001)
  assert.equal(config.internalPort, 9464)
  assert.equal(config.host, '127.0.0.1')
  assert.deepEqual(config.origins, ['https://chat.example.org'])
  assert.equal(config.bcryptCost, 10)
  assert.equal(config.limits.devicesPerUser, 5)
})

test('everything that is missing or wrong is named in one error', () => {
  assert.throws(() => readUserService({}), /PARLEY_KEY_FILE[\s\S]*MONGODB_URL[\s\S]*RABBITMQ_URL[\s\S]*PARLEY_ORIGINS/)
  const wrong = {
    ...GOOD,
    PARLEY_ORIGINS: '*',
    PARLEY_BCRYPT_COST: '3',
    PARLEY_LIMIT_ACCESS_TOKEN_SECONDS: '901',
    PORT: 'x',
  }
  assert.throws(() => readUserService(wrong), /"\*"[\s\S]*BCRYPT_COST|BCRYPT_COST[\s\S]*"\*"/)
  assert.throws(() => readUserService(wrong), /ACCESS_TOKEN_SECONDS/)
  assert.throws(() => readUserService(wrong), /PORT/)
})

test('the program says what is wrong with its settings, and ends with code 1', () => {
  const main = new URL('./main.ts', import.meta.url).pathname
  const { status, stderr, stdout } = spawnSync(process.execPath, [main], {
    env: { PORT: 'x' },
    timeout: 10_000,
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  for (const name of ['PORT', 'PARLEY_KEY_FILE', 'MONGODB_URL', 'RABBITMQ_URL', 'PARLEY_ORIGINS'])
    assert.match(stderr, new RegExp(name))
  assert.doesNotMatch(stderr + stdout, / at .*\.ts/, 'no stack')
})
