import { existsSync } from 'node:fs'
import { join } from 'node:path'
import express, { type Router } from 'express'

/** What the bundler names by content: it never changes under its name. */
const HASHED = /[\\/]assets[\\/]/

/** The first part of addresses that are never a page, however they are written: of the services, and of their internal ports. */
const NO_PAGE = new Set(['api', 'dev', 'docs', 'internal', 'metrics', 'socket.io'])

/**
 * Serves a built web client, to be called after every other route. Hashed files are cached for a year, the page itself is asked for anew each
 * time. Paths that the client draws itself (they accept HTML and are no file) get the page. False when it has not been built.
 */
export function servePages(fallback: Router, folder: string): boolean {
  const page = join(folder, 'index.html')
  if (!existsSync(page)) return false
  fallback.use(
    express.static(folder, {
      redirect: false,
      setHeaders: (res, path) =>
        void res.set('Cache-Control', HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache'),
    }),
  )
  fallback.get('/{*path}', (req, res, next) => {
    const [first = ''] = decodeURIComponent(req.path).split('/').filter(Boolean)
    if (NO_PAGE.has(first) || !req.accepts('html')) return next()
    res.set('Cache-Control', 'no-cache').sendFile(page)
  })
  return true
}
