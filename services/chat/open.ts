import { createSecretKey } from 'node:crypto'
import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import { readKeys } from '@parley/kit/keys'
import type { Log } from '@parley/kit/log'
import type { UserDirectory } from '@parley/protocol/internal'
import { type ChatService, startChat } from './app.ts'
import type { ChatConfig } from './config.ts'
import { sqliteStore } from './store/sqlite.ts'
import type { ChatStore } from './store/store.ts'

export { type ChatConfig, chatConfig } from './config.ts'

/** Opens the chat service on the store that the settings name. Closing it drains, then closes the store. */
export async function openChat(
  config: ChatConfig,
  bus: Bus,
  http: Http,
  directory: UserDirectory,
  log: Log,
): Promise<ChatService> {
  const { content, internal } = readKeys(config.keyFile, ['content', 'internal'])
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openStore(config, log))
  // As a key object: a hash keyed with plain bytes would import them again each time.
  const contentKey = createSecretKey(content)
  const parts = { store, bus, http, directory, config: { ...config, contentKey, internalKey: internal }, log }
  const chat = stack.use(await startChat(parts))
  const closing = stack.move()
  return { directory: chat.directory, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

async function openStore({ store, limits }: ChatConfig, log: Log): Promise<ChatStore> {
  if ('sqlitePath' in store) return sqliteStore(store.sqlitePath, { limits, log })
  // Loaded when it is used: the driver costs the all-in-one process a fifth of a second and 20 MB.
  const { mongoStore } = await import('./store/mongo.ts')
  return mongoStore(store.mongoUrl, { limits, log })
}
