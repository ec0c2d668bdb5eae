import type { LinkAt } from '@parley/protocol/markup'
import { LinkifyIt } from 'linkify-it'

/** Whole addresses only: a name with a dot may be a file as well. */
const linkify = new LinkifyIt()
/** What may be opened. */
const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])
/** What cannot be seen, or turns the order of what is seen, has no place in an address that one is to trust. */
const UNSEEN = /[\p{Cf}\p{Cc}]/u

/** Addresses in a line of a message: of the web, and of e-mail. */
export function linksIn(line: string): readonly LinkAt[] {
  if (!line.includes('@') && !line.includes('//')) return NONE
  return (linkify.match(line) ?? []).flatMap(({ schema, index, lastIndex, url, raw }) =>
    SCHEMES.has(schema) && !UNSEEN.test(raw) && URL.canParse(url) ? [{ from: index, to: lastIndex, href: url }] : [],
  )
}

const NONE: readonly LinkAt[] = []

/**
 * Where a link really leads, where one could be mistaken: the name of a host with other letters than those of ASCII may look like
 * another's (UTS #39), so that it is shown as it is asked for (RFC 3492).
 */
export function realHost(href: string): string | undefined {
  const { hostname } = new URL(href)
  return /(^|\.)xn--/.test(hostname) ? hostname : undefined
}
