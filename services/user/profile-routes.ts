import { parse } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import { ChangeProfile } from '@parley/protocol/requests'
import { type Request, Router } from 'express'
import type { Profiles } from './profiles.ts'

/** `/api/user/me/profile`. */
export function profileRoutes(needs: { profiles: Profiles; authenticate: (req: Request) => Promise<Actor> }): Router {
  const { profiles, authenticate } = needs
  const routes = Router()

  routes.get('/', async (req, res) => {
    const { userId } = await authenticate(req)
    res.json(await profiles.own(userId))
  })
  routes.patch('/', async (req, res) => {
    const { userId } = await authenticate(req)
    res.json(await profiles.change(userId, parse(ChangeProfile, req.body)))
  })
  return routes
}
