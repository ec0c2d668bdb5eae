import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import { readKeys } from '@parley/kit/keys'
import type { Log } from '@parley/kit/log'
import { startUser, type UserService } from './app.ts'
import type { UserConfig } from './config.ts'
import { mongoStore } from './store/mongo.ts'
import { sqliteStore } from './store/sqlite.ts'
import type { UserStore } from './store/store.ts'

export { userConfig } from './config.ts'

/** Opens the user service on `http` and `bus`, which stay the caller's to close, after this. Throws when keys or store cannot be had. */
export async function openUser(config: UserConfig, bus: Bus, http: Http, log: Log): Promise<UserService> {
  const keys = readKeys(config.keyFile, ['signing', 'refresh', 'pepper', 'internal'])
  const { publicUrl = `http://localhost:${http.port}` } = config
  return startUser({ store: await openStore(config.store), bus, http, keys, config: { ...config, publicUrl }, log })
}

async function openStore(store: UserConfig['store']): Promise<UserStore> {
  if ('mongoUrl' in store) return mongoStore(store.mongoUrl)
  mkdirSync(dirname(store.sqlitePath), { recursive: true })
  return sqliteStore(store.sqlitePath)
}
