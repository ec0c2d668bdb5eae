import type { Bus } from '@parley/kit/bus/bus'
import { Fault, parse } from '@parley/kit/fault'
import { actorOf } from '@parley/kit/sign-in'
import type { AlertPage, AlertsRead } from '@parley/protocol/alert'
import type { UserDirectory } from '@parley/protocol/internal'
import { AlertsQuery, ReadAlerts } from '@parley/protocol/requests'
import { Router } from 'express'
import type { Alert, AlertStore } from '../store/alerts.ts'
import { newsFor } from './alerts.ts'
import { itemsOf } from './items.ts'

/** One's alerts, for who is signed in: parse, ask the store, reply. */
export function alertRoutes(needs: {
  store: AlertStore
  users: Pick<UserDirectory, 'find'>
  bus: Pick<Bus, 'publish'>
}): Router {
  const { store, users, bus } = needs
  const routes = Router()

  routes.get('/api/notifications', async (req, res) => {
    const { userId } = actorOf(req)
    const { cursor, limit } = parse(AlertsQuery, req.query)
    const before = cursor === undefined ? undefined : positionOf(cursor)
    const state = await store.state(userId)
    const alerts = await store.list(userId, before, limit + 1)
    const page = alerts.slice(0, limit)
    const shown = await itemsOf(page, users)
    const reply: AlertPage = {
      items: page.flatMap(({ id }) => shown.get(id) ?? []),
      ...state,
      ...(alerts.length > limit && { nextCursor: cursorOf(page.at(-1)!) }),
    }
    res.set('Cache-Control', 'no-store').json(reply)
  })

  routes.post('/api/notifications/read', async (req, res) => {
    const { userId } = actorOf(req)
    const { ids = [], upTo } = parse(ReadAlerts, req.body)
    const { changed: _, ...state } = await store.read(userId, upTo === undefined ? { ids } : { upTo: Date.parse(upTo) })
    // Told also where nothing was unread any more: whoever read it before may have died before that was told. The other devices are told
    // by the way: whoever misses it reads it when connecting.
    await bus.publish(newsFor(userId, { ...state, read: upTo === undefined ? { ids } : { upTo } })).catch(() => {})
    const reply: AlertsRead = state
    res.json(reply)
  })
  return routes
}

const cursorOf = ({ at, id }: Alert): string => Buffer.from(`${at}.${id}`).toString('base64url')

function positionOf(cursor: string): Pick<Alert, 'at' | 'id'> {
  const [, at, id] = /^(\d{1,15})\.([\w-]{22})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined) throw new Fault('validation.failed', 'The cursor is not one of this list')
  return { at: Number(at), id }
}
