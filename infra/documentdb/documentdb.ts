import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '../ports.ts'
import { listens } from '../probe.ts'
import { type Part, type Server, server } from '../server.ts'
import { bareEnv, settings } from '../settings.ts'
import { baseSystem } from './base.ts'
import { forgetPid, postgres, postgresUrl } from './postgres.ts'

/** A server for MongoDB's protocol made of Debian's and npm's packages alone: PostgreSQL with DocumentDB, and our gateway in front. Not started yet. */
export async function documentdb(folder: string, say: (line: string) => void): Promise<Server> {
  const root = settings.documentdbRoot
  await baseSystem(root, say)
  const dir = resolve(folder)
  mkdirSync(dir, { recursive: true })
  const [port, postgresPort] = [await freePort(), await freePort()]
  const gateway: Part = {
    command: {
      file: process.execPath,
      args: [
        join(import.meta.dirname, '..', 'gateway', 'main.ts'),
        ...['--port', String(port), '--postgres', postgresUrl(postgresPort)],
      ],
      env: bareEnv,
      log: join(dir, 'gateway.log'),
    },
    ready: () => listens(port),
    readyWithinMs: 20_000,
  }
  const self = server({
    name: 'mongodb',
    kind: 'DocumentDB 1.0 on PostgreSQL 18',
    url: `mongodb://127.0.0.1:${port}/?directConnection=true&retryWrites=false`,
    parts: [postgres(root, dir, postgresPort), gateway],
    holder: 0,
  })
  return {
    ...self,
    async start(env) {
      forgetPid(dir)
      await self.start(env)
    },
  }
}
