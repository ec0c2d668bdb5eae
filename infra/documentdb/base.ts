import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { lock } from '../lock.ts'
import { bareEnv } from '../settings.ts'
import { need } from '../which.ts'

/**
 * A folder with Debian sid's PostgreSQL 18 and its DocumentDB extension (Debian 12's own PostgreSQL is too old for it). Made with debootstrap the first
 * time: about 80 s and 900 MB, under a lock, and moved into place when whole. Needs root; rejects with what is missing, or with where the log is.
 */
export async function baseSystem(root: string, say: (line: string) => void): Promise<void> {
  if (existsSync(join(root, READY))) return
  if (process.getuid?.() !== 0) throw new Error(`Only root can make ${root} (debootstrap, chroot)`)
  const debootstrap = need('debootstrap', 'debootstrap')
  using _mine = await lock(`${root}.lock`, 600_000)
  if (existsSync(join(root, READY))) return
  say(`DocumentDB: making its base system in ${root} (once, about 80 s)`)
  const log = `${root}.log`
  const draft = `${root}.draft`
  rmSync(log, { force: true })
  rmSync(draft, { recursive: true, force: true })
  rmSync(root, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  try {
    logged(log, debootstrap, ['--variant=minbase', 'sid', draft, ...mirror()])
    copyFileSync('/etc/resolv.conf', join(draft, 'etc/resolv.conf'))
    copyIfThere('/etc/ssl/certs/ca-certificates.crt', join(draft, 'etc/ssl/certs/ca-certificates.crt'))
    copyIfThere('/etc/apt/apt.conf.d', join(draft, 'etc/apt/apt.conf.d'))
    // Packages must not start servers of their own.
    writeFileSync(join(draft, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n')
    chmodSync(join(draft, 'usr/sbin/policy-rc.d'), 0o755)
    logged(log, 'unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', INSTALL, 'sh', draft])
  } catch (error) {
    throw new Error(`Making ${root} failed, see ${log}`, { cause: error })
  }
  writeFileSync(join(draft, READY), '')
  renameSync(draft, root)
}

const READY = '.ready'

/** The mounts are in a mount namespace of this shell alone, so that none is left behind. */
const INSTALL = `
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
export DEBIAN_FRONTEND=noninteractive
chroot "$1" apt-get update -q
chroot "$1" apt-get install -y -q --no-install-recommends postgresql-18 postgresql-18-documentdb
`

function logged(log: string, file: string, args: string[]): void {
  const out = openSync(log, 'a')
  try {
    execFileSync(file, args, { stdio: ['ignore', out, out], env: { ...bareEnv, LANG: 'C' } })
  } finally {
    closeSync(out)
  }
}

/** The mirror that this machine is told to use, if it is a Debian. */
function mirror(): string[] {
  for (const path of ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']) {
    if (!existsSync(path)) continue
    const found = /^(?:URIs:|deb(?: \[.*?\])?)\s+(https?:\S+)/m.exec(readFileSync(path, 'utf8'))
    if (found?.[1]) return [found[1]]
  }
  return []
}

function copyIfThere(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true, force: false })
}
