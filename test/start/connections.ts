import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The addresses of both ends of every TCP and UDP socket that a process has, as Linux tells them; a listening one has no far end. */
export function socketAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
      } catch {
        return undefined // closed since the folder was read
      }
    }),
  )
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9]))
      .flatMap(([, local, remote]) => [addressOf(local!), addressOf(remote!)])
      .filter((address) => address !== ''),
  )
}

/** `0100007F:0BB8` is 127.0.0.1: bytes of each word are in the machine's order. Empty for no address. */
function addressOf(field: string): string {
  const [hex = '', port] = field.split(':')
  if (/^0+$/.test(hex) && port === '0000') return ''
  const bytes = (hex.match(/.{8}/g) ?? [])
    .flatMap((word) => word.match(/../g)!.reverse())
    .map((byte) => Number.parseInt(byte, 16))
  if (bytes.length === 4) return bytes.join('.')
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255
  return mapped ? bytes.slice(12).join('.') : bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** 127.0.0.0/8 and ::1. */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === `${'0'.repeat(31)}1`
