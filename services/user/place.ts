import { isIPv4, isIPv6 } from 'node:net'

/**
 * Where a device was used, as coarse as a person still recognizes: the /24 network of an IPv4 address, the /48 one of an IPv6
 * address, in the notation of RFC 4632. It tells a home from an office or a stranger, and points to no single line.
 */
export function placeOf(address: string): string | undefined {
  const ip = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  if (isIPv4(ip)) return `${ip.split('.').slice(0, 3).join('.')}.0/24`
  if (!isIPv6(ip)) return undefined
  // In the one way that RFC 5952 writes it, whatever way it came.
  const groups = new URL(`http://[${ip.replace(/%.*$/, '')}]`).hostname.slice(1, -1).split('::')
  const [head, tail] = groups.map((part) => part.split(':').filter(Boolean)) as [string[], string[] | undefined]
  const all = [...head, ...Array(tail ? 8 - head.length - tail.length : 0).fill('0'), ...(tail ?? [])]
  return `${new URL(`http://[${all.slice(0, 3).join(':')}::]`).hostname.slice(1, -1)}/48`
}
