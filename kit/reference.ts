import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Router } from 'express'

/**
 * Serves the documents of the interfaces, and a page that shows them: the same from every service, since they are made of
 * `protocol/` alone. Nothing is loaded or made before someone asks.
 */
export function serveReference(routes: Router): void {
  const served = {
    '/openapi.json': {
      type: 'application/json',
      make: async () => JSON.stringify((await import('@parley/protocol/openapi')).openApi()),
    },
    '/asyncapi.json': {
      type: 'application/json',
      make: async () => JSON.stringify((await import('@parley/protocol/asyncapi')).asyncApi()),
    },
    '/docs': { type: 'text/html', make: makePage },
    '/docs/reference.css': {
      type: 'text/css',
      make: async () => readFileSync(join(import.meta.dirname, 'reference', 'reference.css'), 'utf8'),
    },
  }
  for (const [path, { type, make }] of Object.entries(served)) {
    let made: Promise<string> | undefined
    routes.get(path, async (_req, res) => {
      made ??= make()
      res
        .set('Cache-Control', 'no-cache')
        .type(type)
        .send(await made)
    })
  }
}

async function makePage(): Promise<string> {
  const [{ openApi }, { asyncApi }, { page }] = await Promise.all([
    import('@parley/protocol/openapi'),
    import('@parley/protocol/asyncapi'),
    import('./reference/page.ts'),
  ])
  return page(openApi(), asyncApi())
}
