import { type Env, reader, readLimits } from '@parley/kit/config'
import { LIMITS } from '@parley/protocol/limits'

/** Limits of this service, each set by `PARLEY_LIMIT_<NAME>`. Windows are in `throttle.ts`. */
export const USER_LIMITS = {
  /** How long an access token is good, in seconds; never more than 15 minutes. */
  accessTokenSeconds: 900,
  /** How long a session lasts without being used, in days. */
  sessionDays: 30,
  /** Live sessions of one user; the least recently used is revoked for a new one. */
  devicesPerUser: LIMITS.devicesPerUser as number,
  signInFailuresPerAccountAndAddress: 20,
  signInFailuresPerAddress: 200,
  signInFailuresPerAccount: 60,
  registrationsPerAddress: 10_000,
  takenPerAddress: 200,
  lookUpsPerUser: 300,
  /** Mails with a link that are asked for: to one recipient from one address, from one address (in a quarter of an hour each), and to one recipient (in an hour). */
  mailsPerRecipientAndAddress: 5,
  mailsPerAddress: 100,
  mailsPerRecipient: 20,
  /** Uses of mailed links from one address in a quarter of an hour. */
  linksPerAddress: 100,
  /** Requests, answers, removals and blocks in a minute. */
  contactChangesPerUser: 60,
  /** Changes of one's profile in a minute. */
  profileChangesPerUser: 30,
  friendsPerUser: 5_000,
  blocksPerUser: 5_000,
  /** Requests that wait for an answer: those that one has sent, and those that one was sent. */
  outgoingRequestsPerUser: 200,
  incomingRequestsPerUser: 1_000,
}
export type UserLimits = typeof USER_LIMITS

export interface UserConfig {
  store: { sqlitePath: string } | { mongoUrl: string }
  keyFile: string
  /** Web origins beside the server's own. */
  origins: string[]
  /** The web origin that links in mails begin with; by default the first of `origins`, else the server's own on this machine. */
  publicUrl: string | undefined
  /** bcrypt's cost, 4 to 20. */
  bcryptCost: number
  limits: UserLimits
}

/** What the service needs to run by itself. */
export interface UserServiceConfig extends UserConfig {
  host: string
  port: number
  internalHost: string
  internalPort: number
  rabbitUrl: string
  logLevel: string
}

type Reader = ReturnType<typeof reader>
const MONGODB = ['mongodb:', 'mongodb+srv:']

/** The service as a part of the all-in-one process: files in the data folder unless said otherwise. Problems stay with `read`. */
export function userConfig(read: Reader): UserConfig {
  const data = read.text('PARLEY_DATA', 'data')
  const mongoUrl = read.optionalUrl('MONGODB_URL', MONGODB)
  return {
    store: mongoUrl ? { mongoUrl } : { sqlitePath: `${data}/user.db` },
    keyFile: read.text('PARLEY_KEY_FILE', `${data}/keys.json`),
    ...common(read),
  }
}

/** The service by itself: key file, store, broker and web origins must be given. Throws one `ConfigError` that names all that is wrong. */
export function readUserService(env: Env): UserServiceConfig {
  const read = reader(env)
  const config = {
    keyFile: read.required('PARLEY_KEY_FILE', 'the JSON file with signing, refresh, pepper and internal keys'),
    store: { mongoUrl: read.requiredUrl('MONGODB_URL', MONGODB, 'where accounts and sessions are kept') },
    rabbitUrl: read.requiredUrl('RABBITMQ_URL', ['amqp:', 'amqps:'], 'the event bus'),
    ...common(read),
    host: read.text('HOST', '127.0.0.1'),
    port: read.port('PORT', 3001),
    internalHost: read.text('INTERNAL_HOST', '127.0.0.1'),
    internalPort: read.port('INTERNAL_PORT', 9464),
    logLevel: read.logLevel('LOG_LEVEL', 'info'),
  }
  if (config.origins.length === 0)
    read.problem(
      'PARLEY_ORIGINS is missing: the web origins that may use the service, such as https://chat.example.org',
    )
  read.throwIfInvalid()
  return config
}

function common(read: Reader): Pick<UserConfig, 'origins' | 'publicUrl' | 'bcryptCost' | 'limits'> {
  const limits = readLimits(read, USER_LIMITS)
  if (limits.accessTokenSeconds > 900) read.problem('PARLEY_LIMIT_ACCESS_TOKEN_SECONDS must be at most 900')
  const origins = read.origins('PARLEY_ORIGINS')
  const [publicUrl = origins[0], ...more] = read.origins('PARLEY_PUBLIC_URL')
  if (more.length > 0) read.problem('PARLEY_PUBLIC_URL must be one web origin')
  return { origins, publicUrl, bcryptCost: read.integer('PARLEY_BCRYPT_COST', 12, 4, 20), limits }
}
