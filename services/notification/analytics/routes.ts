import { parse } from '@parley/kit/fault'
import { holdsKey } from '@parley/kit/internal-key'
import { Router } from 'express'
import { z } from 'zod'
import { DAY_MS, dayOf, startOf } from '../store/analytics.ts'
import { type Analytics, DAYS_KEPT } from './analytics.ts'

/** Without them the last 30 days. */
const Days = z
  .object({ from: z.iso.date().optional(), to: z.iso.date().optional() })
  .transform(({ from, to = dayOf(Date.now()) }) => ({ from: from ?? dayOf(startOf(to) - 29 * DAY_MS), to }))
  .refine(({ from, to }) => startOf(to) - startOf(from) < DAYS_KEPT * DAY_MS, {
    message: `At most ${DAYS_KEPT} days at once`,
  })

/** What was counted, for who holds the `internal` key. Mounted on the internal port only. */
export function analyticsRoutes(analytics: Pick<Analytics, 'read'>, key: Buffer): Router {
  const routes = Router()
  routes.get('/internal/analytics', holdsKey(key), async (req, res) => {
    const { from, to } = parse(Days, req.query)
    res.set('Cache-Control', 'no-store').json({ items: await analytics.read(from, to) })
  })
  return routes
}
