import { parse } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import { ChangeEmail, ConfirmEmail } from '@parley/protocol/requests'
import { type Request, Router } from 'express'
import type { OwnEmail } from './own-email.ts'

/** `/api/user/email`, within the user routes. `authenticate` says who asks, or throws. */
export function emailRoutes(needs: {
  ownEmail: OwnEmail
  authenticate: (req: Request) => Promise<Actor>
  addressOf: (req: Request) => string
}): Router {
  const { ownEmail, authenticate, addressOf } = needs
  const routes = Router()

  routes.post('/', async (req, res) => {
    const actor = await authenticate(req)
    await ownEmail.ask(actor, parse(ChangeEmail, req.body), addressOf(req))
    res.status(202).end()
  })

  // Whoever holds the secret has read the new address's mail, on whatever device that is.
  routes.post('/confirm', async (req, res) => {
    await ownEmail.confirm(parse(ConfirmEmail, req.body).token, addressOf(req))
    res.status(204).end()
  })

  return routes
}
