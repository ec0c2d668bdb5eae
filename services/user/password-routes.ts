import { parse } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import { ChangePassword, ForgotPassword, ResetPassword } from '@parley/protocol/requests'
import { type Request, Router } from 'express'
import type { ForgottenPassword } from './forgotten-password.ts'
import type { OwnPassword } from './own-password.ts'

/** `/api/user/password`, within the user routes. `authenticate` says who asks, or throws. */
export function passwordRoutes(needs: {
  ownPassword: OwnPassword
  forgottenPassword: ForgottenPassword
  authenticate: (req: Request) => Promise<Actor>
  addressOf: (req: Request) => string
}): Router {
  const { ownPassword, forgottenPassword, authenticate, addressOf } = needs
  const routes = Router()

  routes.post('/', async (req, res) => {
    const actor = await authenticate(req)
    await ownPassword.change(actor, parse(ChangePassword, req.body), addressOf(req))
    res.status(204).end()
  })

  routes.post('/forgot', async (req, res) => {
    await forgottenPassword.ask(parse(ForgotPassword, req.body).email, addressOf(req))
    res.status(202).end()
  })

  routes.post('/reset', async (req, res) => {
    await forgottenPassword.reset(parse(ResetPassword, req.body), addressOf(req))
    res.status(204).end()
  })

  return routes
}
