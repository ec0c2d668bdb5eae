import { Fault, parse } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import { Id } from '@parley/protocol/ids'
import { ContactsQuery } from '@parley/protocol/requests'
import { type Request, type RequestHandler, Router } from 'express'
import type { Contacts } from './contacts.ts'
import type { Act } from './friendship.ts'

/** `/api/user/contacts`. Each change may be repeated, so none takes an `Idempotency-Key`; each is answered with how things then stand. */
export function contactRoutes(needs: { contacts: Contacts; authenticate: (req: Request) => Promise<Actor> }): Router {
  const { contacts, authenticate } = needs
  const routes = Router()

  const does =
    (what: Act): RequestHandler =>
    async (req, res) => {
      const { userId } = await authenticate(req)
      res.json(await contacts.act(userId, otherOf(req), what))
    }

  routes.get('/', async (req, res) => {
    const { userId } = await authenticate(req)
    const { list, after, limit } = parse(ContactsQuery, req.query)
    res.json(await contacts.list(userId, list, after, limit))
  })
  routes.get('/:userId', async (req, res) => {
    const { userId } = await authenticate(req)
    res.json(await contacts.get(userId, otherOf(req)))
  })
  routes.delete('/:userId', does('remove'))
  routes.put('/:userId/request', does('request'))
  routes.delete('/:userId/request', does('cancel'))
  routes.post('/:userId/accept', does('accept'))
  routes.post('/:userId/decline', does('decline'))
  routes.put('/:userId/block', does('block'))
  routes.delete('/:userId/block', does('unblock'))
  return routes
}

/** What is no id names nobody. */
function otherOf(req: Request): string {
  const id = Id.safeParse(req.params.userId)
  if (!id.success) throw new Fault('not_found', 'There is no such user')
  return id.data
}
