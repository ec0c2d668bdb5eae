import { parse } from '@parley/kit/fault'
import { holdsKey } from '@parley/kit/internal-key'
import { Id } from '@parley/protocol/ids'
import type { UserDirectory } from '@parley/protocol/internal'
import { LIMITS } from '@parley/protocol/limits'
import { Router } from 'express'
import { z } from 'zod'

const CONTROL_PAGE = 1_000
/** In UTF-16 code units: longer names are asked for by nobody. */
const QUERY_MAX = 400
const UsersQuery = z.object({
  ids: z
    .string()
    .transform((ids) => ids.split(',').filter(Boolean))
    .pipe(z.array(Id).max(LIMITS.idsPerCall)),
})
const NameQuery = z.object({ username: z.string().min(1).max(QUERY_MAX) })
const MailboxQuery = z.object({ userId: Id })
const FRIENDS_AT_ONCE = 200
const FriendsQuery = z.object({
  pairs: z
    .string()
    .transform((pairs) => pairs.split(',').filter(Boolean))
    .pipe(
      z
        .array(
          z
            .string()
            .transform((pair) => pair.split(':'))
            .pipe(z.tuple([Id, Id])),
        )
        .max(FRIENDS_AT_ONCE),
    ),
})
const PageQuery = z.object({
  after: z.string().max(100).optional(),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform((n) => Math.min(n, CONTROL_PAGE))
    .default(CONTROL_PAGE),
})
const ControlQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform((n) => Math.min(n, CONTROL_PAGE))
    .default(CONTROL_PAGE),
})

/** The `UserDirectory` over HTTP, for services that hold the `internal` key. Mounted on the internal port only. */
export function internalRoutes(directory: UserDirectory, key: Buffer): Router {
  const routes = Router()
  routes.get('/.well-known/jwks.json', async (_req, res) => void res.json(await directory.jwks()))
  routes.use('/internal', holdsKey(key))
  routes.get('/internal/users', async (req, res) => {
    const { ids } = parse(UsersQuery, req.query)
    res.json(await directory.find(ids))
  })
  routes.get('/internal/users/named', async (req, res) => {
    const user = await directory.findByName(parse(NameQuery, req.query).username)
    res.json({ items: user ? [user] : [] })
  })
  routes.get('/internal/mailbox', async (req, res) => {
    const mailbox = await directory.mailbox(parse(MailboxQuery, req.query).userId)
    res.set('Cache-Control', 'no-store').json({ items: mailbox ? [mailbox] : [] })
  })
  routes.get('/internal/blocks', async (req, res) => {
    const { after, limit } = parse(PageQuery, req.query)
    res.json(await directory.blocks(after, limit))
  })
  routes.get('/internal/privacy', async (req, res) => {
    const { after, limit } = parse(PageQuery, req.query)
    res.json(await directory.privacy(after, limit))
  })
  routes.get('/internal/friends', async (req, res) => {
    res.json(await directory.friends(parse(FriendsQuery, req.query).pairs))
  })
  routes.get('/internal/control', async (req, res) => {
    const { after, limit } = parse(ControlQuery, req.query)
    res.json(await directory.control(after, limit))
  })
  return routes
}
