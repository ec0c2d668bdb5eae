import { join } from 'node:path'

/** What the environment may tell the tests' servers; read here and nowhere else in `infra/`. */
export const settings = {
  /** A MongoDB server to use instead of one of our own. */
  mongodbUrl: process.env.MONGODB_URL || undefined,
  /** The base system that DocumentDB runs in; made once, shared by every checkout of the machine. */
  documentdbRoot: process.env.DOCUMENTDB_ROOT || '/var/cache/documentdb-sid',
  /** Where the shared servers keep data, logs and their socket; ignored by git. */
  folder: process.env.PARLEY_INFRA || join(import.meta.dirname, '..', '.infra'),
  /** Where programs are looked for. */
  path: process.env.PATH ?? '',
}

/** What a server inherits: nothing of the tests' own settings may reach it. */
export const bareEnv = { PATH: settings.path, LANG: 'C.UTF-8', HOME: process.env.HOME ?? '/', TZ: 'UTC' }
