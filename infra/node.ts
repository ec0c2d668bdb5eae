import { join } from 'node:path'
import { freePort } from './ports.ts'
import { answersOk } from './probe.ts'
import { type Server, server } from './server.ts'
import { bareEnv } from './settings.ts'

/** One of our own processes: a service of the scale-out form, or all-in-one. */
export interface Node extends Server {
  readonly port: number
  readonly internalUrl: string
}

/** What a test run preloads into its own processes, to see what they say. */
const preloaded = process.execArgv.filter((argument) => argument.startsWith('--import='))

/** A process that runs `main` of this checkout on ports of its own. Not started yet. */
export async function node(name: string, main: string, dir: string, env: Record<string, string>): Promise<Node> {
  const [port, internalPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const internalUrl = `http://127.0.0.1:${internalPort}`
  const self = server({
    name,
    kind: 'Parley',
    url,
    internalUrl,
    parts: [
      {
        command: {
          file: process.execPath,
          args: [...preloaded, join(import.meta.dirname, '..', main)],
          env: {
            ...bareEnv,
            HOST: '127.0.0.1',
            PORT: String(port),
            INTERNAL_PORT: String(internalPort),
            LOG_LEVEL: 'warn',
            ...env,
          },
          log: join(dir, 'logs', `${name}.log`),
        },
        ready: () => answersOk(`${url}/readyz`),
        readyWithinMs: 45_000,
      },
    ],
    holder: 0,
  })
  return { ...self, port, internalUrl }
}
