import { type Env, reader, readLimits } from '@parley/kit/config'
import { readKeys } from '@parley/kit/keys'
import { LIMITS, type Limits } from '@parley/protocol/limits'

/** What the chat service needs to know, in either shape. */
export interface ChatConfig {
  /** Where conversations live: a MongoDB server, or one SQLite file. */
  store: { mongoUrl: string } | { sqlitePath: string }
  /** Holds `content`, which keys the hash of message contents and the tags of cursors. */
  keyFile: string
  /** Web origins that may connect beside the server's own. */
  origins: string[]
  limits: Limits
}

/** What the service needs to run by itself. */
export interface ChatServiceConfig extends ChatConfig {
  host: string
  port: number
  internalHost: string
  internalPort: number
  rabbitUrl: string
  /** The user service's internal address. */
  userServiceUrl: string
  logLevel: string
}

type Reader = ReturnType<typeof reader>

/** The service as a part of the all-in-one process: files in the data folder. Problems stay with `read`. */
export function chatConfig(read: Reader): ChatConfig {
  const data = read.text('PARLEY_DATA', 'data')
  return {
    store: { sqlitePath: `${data}/chat.db` },
    keyFile: read.text('PARLEY_KEY_FILE', `${data}/keys.json`),
    ...common(read),
  }
}

/** The service by itself: key file, store, broker, user service and web origins must be given. Throws one `ConfigError` that names all that is wrong. */
export function readChatService(env: Env): ChatServiceConfig {
  const read = reader(env)
  const config = {
    keyFile: read.required('PARLEY_KEY_FILE', 'the JSON file with internal and content keys'),
    store: {
      mongoUrl: read.requiredUrl('MONGODB_URL', ['mongodb:', 'mongodb+srv:'], 'where conversations are kept'),
    },
    rabbitUrl: read.requiredUrl('RABBITMQ_URL', ['amqp:', 'amqps:'], 'the event bus'),
    userServiceUrl: read.requiredUrl('USER_SERVICE_URL', ['http:', 'https:'], "the user service's internal address"),
    ...common(read),
    host: read.text('HOST', '127.0.0.1'),
    port: read.port('PORT', 3002),
    internalHost: read.text('INTERNAL_HOST', '127.0.0.1'),
    internalPort: read.port('INTERNAL_PORT', 9464),
    logLevel: read.logLevel('LOG_LEVEL', 'info'),
  }
  if (config.origins.length === 0)
    read.problem('PARLEY_ORIGINS is missing: the web origins that may connect, such as https://chat.example.org')
  if (config.keyFile) {
    try {
      readKeys(config.keyFile, ['internal', 'content'])
    } catch (error) {
      read.problem((error as Error).message)
    }
  }
  read.throwIfInvalid()
  return config
}

function common(read: Reader): Pick<ChatConfig, 'origins' | 'limits'> {
  const limits: Limits = readLimits<Limits>(read, LIMITS)
  return { origins: read.origins('PARLEY_ORIGINS'), limits }
}
