import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dockerRuns } from '@parley/infra/mongod'
import { settings } from '@parley/infra/settings'
import { find } from '@parley/infra/which'

/** Something that the tests need on this machine. */
interface Need {
  what: string
  /** Debian's packages. */
  packages: string[]
  there: () => boolean
  /** How to do without it. */
  otherwise: string
}

const NEEDS: Need[] = [
  {
    what: 'RabbitMQ 3.10 or later',
    packages: ['rabbitmq-server'],
    there: () => find('/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server') !== undefined,
    otherwise: 'put rabbitmq-server, rabbitmqctl and epmd on PATH',
  },
  {
    what: 'Nginx 1.22 or later',
    packages: ['nginx'],
    there: () => find('nginx') !== undefined,
    otherwise: 'put nginx on PATH',
  },
  {
    what: 'Chromium',
    packages: ['chromium'],
    there: () =>
      find('chromium', 'chromium-browser', 'google-chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium') !==
      undefined,
    otherwise: 'put chromium or google-chrome on PATH',
  },
  {
    what: 'a MongoDB server, or debootstrap to make one',
    packages: ['debootstrap'],
    there: hasMongodb,
    otherwise: 'set MONGODB_URL, put mongod on PATH or start Docker',
  },
  {
    what: 'python-socketio with requests and websocket-client',
    packages: ['python3-socketio', 'python3-requests', 'python3-websocket'],
    there: hasPythonSocketio,
    otherwise: 'install them for /usr/bin/python3',
  },
]

/** What is missing, by the names that people know. */
export const missingNeeds = (): Need[] => NEEDS.filter((need) => !need.there())

/**
 * Installs what is missing, saying what, on Debian as root unless `allowed` is false. Throws an error that lists exactly what is missing when it may not
 * or cannot, and when something is still missing afterwards.
 */
export function prepareMachine(allowed: boolean): void {
  const missing = missingNeeds()
  if (missing.length === 0) return
  const reason = whyNotInstall(allowed)
  if (reason)
    throw new Error(`The tests need what is not on this machine:\n${list(missing)}\nNot installed here: ${reason}.`)
  installPackages(missing.flatMap((need) => need.packages))
  const still = missingNeeds()
  if (still.length > 0) throw new Error(`Still missing after the installation:\n${list(still)}`)
}

const list = (needs: Need[]): string =>
  needs.map((need) => `  - ${need.what} (Debian: ${need.packages.join(', ')}; or ${need.otherwise})`).join('\n')

function whyNotInstall(allowed: boolean): string | undefined {
  if (!allowed) return 'PARLEY_INSTALL=0 forbids it'
  if (!existsSync('/etc/debian_version') || !find('apt-get')) return 'this is not a Debian system'
  if (process.getuid?.() !== 0) return 'only root can install packages'
  return undefined
}

function installPackages(packages: string[]): void {
  console.log(`Installing with apt-get: ${packages.join(', ')}`)
  using _quiet = withoutServices()
  // A package index that cannot be refreshed is not the end: it may still know what is needed.
  apt(['update', '-q'])
  if (!apt(['install', '-y', '-q', '--no-install-recommends', ...packages]))
    throw new Error(`apt-get could not install ${packages.join(', ')}`)
}

function apt(args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
}

/** Debian starts a server when it is installed, unless this file forbids it; the tests start their own, and the machine's ports stay free. */
function withoutServices(): Disposable {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return { [Symbol.dispose]: () => {} }
  writeFileSync(policy, '#!/bin/sh\nexit 101\n')
  chmodSync(policy, 0o755)
  return { [Symbol.dispose]: () => rmSync(policy, { force: true }) }
}

function hasPythonSocketio(): boolean {
  const python = find('/usr/bin/python3', 'python3')
  return python !== undefined && spawnSync(python, ['-c', 'import socketio, requests, websocket']).status === 0
}

function hasMongodb(): boolean {
  if (settings.mongodbUrl || find('mongod')) return true
  const docker = find('docker')
  if (docker && dockerRuns(docker)) return true
  return find('debootstrap') !== undefined || existsSync(join(settings.documentdbRoot, '.ready'))
}
