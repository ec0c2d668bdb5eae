import { Fault, parse } from '@parley/kit/fault'
import { holdsKey } from '@parley/kit/internal-key'
import { Id } from '@parley/protocol/ids'
import { LIMITS } from '@parley/protocol/limits'
import type { ChatDirectory } from '@parley/protocol/standing'
import { Router } from 'express'
import { z } from 'zod'

const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const Ask = z.object({
  conversationId: Id,
  fromSeq: seq,
  toSeq: seq,
  reactions: z.boolean().optional(),
  userIds: z.array(Id).max(LIMITS.idsPerCall).optional(),
})

/** The `ChatDirectory` over HTTP, for services that hold the `internal` key. Mounted on the internal port only. */
export function internalRoutes(directory: ChatDirectory, key: Buffer): Router {
  const routes = Router()
  routes.post('/internal/standing', holdsKey(key), async (req, res) => {
    const standing = await directory.standing(parse(Ask, req.body))
    if (!standing) throw new Fault('not_found', 'There is no such conversation')
    res.json(standing)
  })
  return routes
}
