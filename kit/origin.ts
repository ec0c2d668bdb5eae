/**
 * Whether a request may act with what a browser sends by itself (cookies, the socket handshake): the one rule for every
 * transport. No `Origin` header means no browser page is behind it; else the page must come from the host that was asked
 * (`Host`), or from a listed web origin. An opaque origin (`null`: a sandboxed frame, a file) never may.
 */
export function originAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  if (page.protocol !== 'https:' && page.protocol !== 'http:') return false
  if (allowed.includes(page.origin)) return true
  return host !== undefined && page.host === withoutDefaultPort(host, page.protocol)
}

/** `Host` may name the port that the scheme implies; an origin never does. */
function withoutDefaultPort(host: string, protocol: string): string {
  const address = `${protocol}//${host}`
  return URL.canParse(address) ? new URL(address).host : host
}
