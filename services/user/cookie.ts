import type { Request, Response } from 'express'

/**
 * The cookie that holds a browser's refresh token. No script reads it and no other site sends it. On https the name's prefix makes
 * the browser refuse it from other hosts and over http; plain http has no such thing, and is for one's own machine.
 */
const NAME = { https: '__Host-parley', http: 'parley_refresh' } as const
const scheme = (req: Request): 'https' | 'http' => (req.secure ? 'https' : 'http')
const attributes = (req: Request) => ({
  httpOnly: true,
  sameSite: 'strict' as const,
  secure: req.secure,
  path: req.secure ? '/' : '/api/user',
})

/** The refresh token in the request's cookie, if there is one. */
export function readCookie(req: Request): string | undefined {
  const name = `${NAME[scheme(req)]}=`
  for (const part of (req.headers.cookie ?? '').split(';')) {
    const pair = part.trim()
    if (pair.startsWith(name)) return pair.slice(name.length)
  }
  return undefined
}

/** Gives the browser the token, to keep for `maxAgeMs` from now. */
export function setCookie(req: Request, res: Response, token: string, maxAgeMs: number): void {
  res.cookie(NAME[scheme(req)], token, { ...attributes(req), maxAge: maxAgeMs })
}

export function clearCookie(req: Request, res: Response): void {
  res.clearCookie(NAME[scheme(req)], attributes(req))
}
