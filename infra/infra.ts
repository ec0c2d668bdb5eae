import { randomBytes } from 'node:crypto'
import { chromium } from './chromium.ts'
import { takeLease } from './lease.ts'
import { settings } from './settings.ts'

/**
 * The real servers that tests run against. They are started when first asked for, shared by all test files of a run, and stopped when no process uses
 * them any more. A part that this machine lacks is an error that says what is missing, so that a test fails and never passes without having run.
 */
export const infra = {
  /** The URL of a fresh virtual host of RabbitMQ; another one with each call. */
  rabbitmq: async (): Promise<string> => (await (await takeLease()).ask('rabbitmq.vhost')).url!,

  /** The URL of a fresh database on a server for MongoDB's protocol; another one with each call. */
  async mongodb(): Promise<string> {
    const url = new URL(settings.mongodbUrl ?? (await (await takeLease()).ask('mongodb')).url!)
    url.pathname = `/parley_test_${randomBytes(6).toString('hex')}`
    return url.href
  },

  /** Which server `mongodb()` is: `MONGODB_URL`, `mongod 8.0.4`, `docker mongo:8` or `DocumentDB 1.0 on PostgreSQL 18`. */
  mongodbKind: async (): Promise<string> =>
    settings.mongodbUrl ? 'MONGODB_URL' : (await (await takeLease()).ask('mongodb')).kind!,

  /** The path of the browser's program. */
  chromium: async (): Promise<string> => chromium(),
}
