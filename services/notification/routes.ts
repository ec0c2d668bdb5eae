import { parse } from '@parley/kit/fault'
import { actorOf, signedIn } from '@parley/kit/sign-in'
import type { Actor } from '@parley/kit/token'
import type { FcmWebConfig } from '@parley/protocol/notification'
import { ChangePreferences, RegisterDevice, WhyQuery } from '@parley/protocol/requests'
import { Router } from 'express'
import { PREFERRED } from './preferences.ts'
import type { Registration } from './registration.ts'
import type { SelfTest } from './self-test.ts'
import type { PreferenceStore } from './store/preferences.ts'
import type { Story } from './story.ts'

/** `/api/notifications` and `/api/devices`: parse, ask the rule, reply. */
export function notificationRoutes(needs: {
  authenticate: (token: string) => Promise<Actor>
  registration: Registration
  preferences: PreferenceStore
  story: Story
  selfTest: SelfTest
  /** What browsers subscribe with (RFC 8292). */
  publicKey: string
  /** Whether apps may register for FCM, and with what pages do. */
  hasFcm: boolean
  fcmWeb: FcmWebConfig | undefined
  alerts: Router
}): Router {
  const { authenticate, registration, preferences, story, selfTest, publicKey, hasFcm, fcmWeb, alerts } = needs
  const routes = Router()
  routes.use(['/api/notifications', '/api/devices'], signedIn(authenticate))

  routes.use(alerts)
  routes.get(
    '/api/notifications/push-key',
    (_req, res) => void res.json({ publicKey, fcm: hasFcm, ...(fcmWeb && { fcmWeb }) }),
  )
  routes.get('/api/notifications/why', async (req, res) => {
    const { conversationId, seq } = parse(WhyQuery, req.query)
    res.json(await story.of(actorOf(req).userId, conversationId, seq))
  })
  routes.get('/api/notifications/preferences', async (req, res) => {
    const { userId } = actorOf(req)
    res.json((await preferences.find([userId])).get(userId) ?? PREFERRED)
  })
  routes.patch('/api/notifications/preferences', async (req, res) => {
    const change = parse(ChangePreferences, req.body)
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    res.json(await preferences.change(actorOf(req).userId, given))
  })

  routes.post('/api/notifications/test', async (req, res) => void res.json(await selfTest.run(actorOf(req))))

  routes.get('/api/devices', async (req, res) => void res.json({ items: await registration.list(actorOf(req)) }))
  routes.post('/api/devices', async (req, res) => {
    res.status(201).json(await registration.register(actorOf(req), parse(RegisterDevice, req.body)))
  })
  routes.delete('/api/devices/:id', async (req, res) => {
    await registration.remove(actorOf(req), String(req.params.id))
    res.status(204).end()
  })
  return routes
}
