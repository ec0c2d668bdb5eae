import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Part } from '../server.ts'
import { bareEnv } from '../settings.ts'

/** Where DocumentDB's gateway finds it. */
export const postgresUrl = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`

/**
 * PostgreSQL of the base system `root` with its data below `folder`, which is made on first use. It runs in a mount namespace of its own: when it ends, in
 * whatever way, no mount is left.
 */
export function postgres(root: string, folder: string, port: number): Part {
  const dir = clusterDir(folder)
  // Readable by others, whatever its parents are: PostgreSQL runs as another user, to whom only this folder is mounted.
  mkdirSync(dir, { recursive: true })
  chmodSync(dir, 0o755)
  mkdirSync(join(root, 'data'), { recursive: true })
  if (!existsSync(join(dir, 'pg'))) makeCluster(root, dir)
  const settings = [...SETTINGS, `port=${port}`].flatMap((setting) => ['-c', setting])
  return {
    command: {
      file: 'unshare',
      args: inside(root, dir, 'postgres', [`${BIN}/postgres`, '-D', '/data/pg', ...settings]),
      env,
      log: join(folder, 'postgres.log'),
    },
    ready: () => hasDocumentDB(port),
    readyWithinMs: 60_000,
    stopSignal: 'SIGINT', // a fast shutdown: it ends the sessions instead of waiting for them
  }
}

/** A killed server leaves its pid file; before the next start, it must not be taken for a live one by a process that has the same id since. */
export function forgetPid(folder: string): void {
  rmSync(join(clusterDir(folder), 'pg', 'postmaster.pid'), { force: true })
}

const clusterDir = (folder: string): string => join(folder, 'cluster')

const env = { ...bareEnv, HOME: '/' }
const BIN = '/usr/lib/postgresql/18/bin'

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'shared_preload_libraries=pg_cron,pg_documentdb_core,pg_documentdb',
  'cron.database_name=postgres',
  'cron.use_background_workers=on',
  'max_worker_processes=20',
  'max_connections=200',
  'shared_buffers=256MB',
  'log_min_messages=warning',
  // A sorted or limited result is else held by the one session that began it, and the gateway asks for its next page over any.
  'documentdb.useFileBasedPersistedCursors=on',
]

/** Arguments of `unshare`: each word execs the next, so that the process id stays that of the program. */
function inside(root: string, dir: string, user: 'root' | 'postgres', program: string[]): string[] {
  const mounts = 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --bind "$2" "$1/data"'
  const script = `${mounts}; root=$1; user=$3; shift 3; exec chroot --userspec="$user:$user" "$root" "$@"`
  return ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', root, dir, user, ...program]
}

/** Made under another name and moved, so that a kill in the middle leaves nothing that looks whole. */
function makeCluster(root: string, dir: string): void {
  const draft = 'pg.draft'
  rmSync(join(dir, draft), { recursive: true, force: true })
  const initdb = [`${BIN}/initdb`, '-D', `/data/${draft}`, '-A', 'trust', '-U', 'postgres', '--locale=C.UTF-8']
  const options = { env, stdio: ['ignore', 'ignore', 'pipe'] } satisfies ExecFileSyncOptions
  execFileSync('unshare', inside(root, dir, 'root', ['install', '-d', '-o', 'postgres', `/data/${draft}`]), options)
  execFileSync('unshare', inside(root, dir, 'postgres', initdb), options)
  renameSync(join(dir, draft), join(dir, 'pg'))
}

async function hasDocumentDB(port: number): Promise<boolean> {
  const client = new pg.Client({ connectionString: postgresUrl(port), connectionTimeoutMillis: 2_000 })
  // Else a server that goes away in between ends this process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('set client_min_messages = error; create extension if not exists documentdb cascade')
    return true
  } finally {
    await client.end().catch(() => {})
  }
}
