import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from './ports.ts'
import { listens } from './probe.ts'
import { type Server, server } from './server.ts'
import { bareEnv } from './settings.ts'
import { need } from './which.ts'

/** What Nginx stands in front of, by ports of 127.0.0.1. */
export interface Site {
  chat: number[]
  user: number
  notification: number[]
  /** Its own port; a free one unless given. */
  listen?: number
  /** What its pages may speak to beside it; nothing unless given. */
  pageSources?: readonly string[]
  /** The built web client; this checkout's unless given. */
  webRoot?: string
  /** Limits per client address; so high by default that tests, which all come from one address, do not meet them. */
  requestsPerSecond?: number
  requestBurst?: number
  connections?: number
}

const ROOT = join(import.meta.dirname, '..')

/** Nginx with the configuration that we ship, filled in for this machine. Not started yet. */
export async function nginx(folder: string, site: Site): Promise<Server> {
  const file = need('Nginx', 'nginx')
  const dir = resolve(folder)
  const port = site.listen ?? (await freePort())
  mkdirSync(join(dir, 'temp'), { recursive: true })
  for (const name of ['mime.types', 'page-headers.conf']) copyFileSync(join(SHIPPED, name), join(dir, name))
  writeFileSync(join(dir, 'nginx.conf'), render(port, site))
  // As root its workers would become another user, who may not read a checkout in root's home.
  const asUs = process.getuid?.() === 0 ? 'user root; ' : ''
  return server({
    name: 'nginx',
    kind: 'Nginx',
    url: `http://127.0.0.1:${port}`,
    parts: [
      {
        command: {
          file,
          args: ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log'), '-g', `${asUs}daemon off;`],
          env: bareEnv,
          log: join(dir, 'error.log'),
        },
        ready: () => listens(port),
        readyWithinMs: 20_000,
      },
    ],
    holder: 0,
  })
}

/** Nginx in front of services that were started by hand on their usual ports. */
export const localNginx = (folder: string): Promise<Server> =>
  nginx(folder, { user: 3001, chat: [3002], notification: [3003] })

const SHIPPED = join(ROOT, 'deploy', 'nginx')

function render(port: number, site: Site): string {
  const values: Record<string, string> = {
    PARLEY_LISTEN: `127.0.0.1:${port}`,
    PARLEY_CHAT_SERVERS: site.chat.map(upstream).join(' '),
    PARLEY_USER_SERVERS: upstream(site.user),
    PARLEY_NOTIFICATION_SERVERS: site.notification.map(upstream).join(' '),
    PARLEY_WEB_ROOT: site.webRoot ?? join(ROOT, 'web', 'dist'),
    PARLEY_PAGE_SOURCES: (site.pageSources ?? []).join(' '),
    PARLEY_REQUESTS_PER_SECOND: String(site.requestsPerSecond ?? 100_000),
    PARLEY_REQUEST_BURST: String(site.requestBurst ?? 100_000),
    PARLEY_CONNECTIONS: String(site.connections ?? 60_000),
  }
  const template = readFileSync(join(SHIPPED, 'nginx.conf.template'), 'utf8')
  return template.replace(/\$\{(\w+)\}/g, (_whole, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`nginx.conf.template asks for ${name}, which nobody sets`)
    return value
  })
}

const upstream = (port: number): string => `server 127.0.0.1:${port} max_fails=1 fail_timeout=2s;`
