import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from './ports.ts'
import { listens } from './probe.ts'
import { type Server, server } from './server.ts'
import { bareEnv } from './settings.ts'

/** MongoDB itself, by the `mongod` at this path. Not started yet. */
export async function mongod(file: string, folder: string): Promise<Server> {
  const dir = resolve(folder)
  const port = await freePort()
  const version = /v(\d+\.\d+\.\d+)/.exec(execFileSync(file, ['--version'], { encoding: 'utf8' }))?.[1] ?? ''
  mkdirSync(join(dir, 'db'), { recursive: true })
  const args = ['--dbpath', join(dir, 'db'), '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket']
  return server({
    name: 'mongodb',
    kind: `mongod ${version}`,
    url: mongodbUrl(port),
    parts: [
      {
        command: { file, args, env: bareEnv, log: join(dir, 'mongod.log') },
        ready: () => listens(port),
        readyWithinMs: 60_000,
      },
    ],
    holder: 0,
  })
}

/** MongoDB 8 in a container of a running Docker engine. Not started yet; the first start may pull the image. */
export async function mongodInDocker(docker: string, folder: string): Promise<Server> {
  const dir = resolve(folder)
  const port = await freePort()
  const container = `parley-mongodb-${port}`
  mkdirSync(join(dir, 'db'), { recursive: true })
  const options = ['--rm', '--name', container, '-p', `127.0.0.1:${port}:27017`, '-v', `${join(dir, 'db')}:/data/db`]
  return server({
    name: 'mongodb',
    kind: `docker ${IMAGE}`,
    url: mongodbUrl(port),
    parts: [
      {
        command: { file: docker, args: ['run', ...options, IMAGE], env: bareEnv, log: join(dir, 'docker.log') },
        // Docker's own proxy listens before the server does, hence the server's words.
        ready: async () =>
          execFileSync(docker, ['logs', container], { encoding: 'utf8' }).includes('Waiting for connections'),
        readyWithinMs: 300_000,
        pid: () => Number(execFileSync(docker, ['inspect', '-f', '{{.State.Pid}}', container], { encoding: 'utf8' })),
        // The client that runs as our child only passes output on; the container lives elsewhere.
        signal: (signal) => void execFileSync(docker, ['kill', `--signal=${signal}`, container], { stdio: 'ignore' }),
      },
    ],
    holder: 0,
  })
}

/** Whether an engine answers the Docker client at this path; the client alone is not enough. */
export function dockerRuns(docker: string): boolean {
  try {
    execFileSync(docker, ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore', timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

const IMAGE = 'mongo:8'
const mongodbUrl = (port: number): string => `mongodb://127.0.0.1:${port}/?directConnection=true&retryWrites=false`
