import { Fault, parse } from '@parley/kit/fault'
import { holdsKey } from '@parley/kit/internal-key'
import { Router } from 'express'
import { z } from 'zod'
import { AUDIT_KINDS, type AuditEntry, type AuditPosition } from '../store/audit.ts'
import type { Audit } from './audit.ts'

const time = z.iso
  .datetime({ offset: true })
  .transform((at) => Date.parse(at))
  .optional()

/** From `after` on, and before `before`. With a cursor the rest of that list, so the other parameters are those of before. */
const AuditQuery = z.object({
  userId: z.uuid().optional(),
  kind: z.enum(AUDIT_KINDS).optional(),
  after: time,
  before: time,
  cursor: z.string().min(1).max(400).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

/** What happened to accounts, the latest first, for who holds the `internal` key. Mounted on the internal port only. */
export function auditRoutes(audit: Pick<Audit, 'list'>, key: Buffer): Router {
  const routes = Router()
  routes.get('/internal/audit', holdsKey(key), async (req, res) => {
    const { userId, kind, after, before, cursor, limit } = parse(AuditQuery, req.query)
    const from = earlier(
      cursor === undefined ? undefined : positionOf(cursor),
      before === undefined ? undefined : { at: before, id: '' },
    )
    const entries = await audit.list(
      {
        ...(userId !== undefined && { userId }),
        ...(kind !== undefined && { kind }),
        ...(after !== undefined && { after }),
        ...(from && { before: from }),
      },
      limit + 1,
    )
    const page = entries.slice(0, limit)
    res.set('Cache-Control', 'no-store').json({
      items: page.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() })),
      ...(entries.length > limit && { nextCursor: cursorOf(page.at(-1)!) }),
    })
  })
  return routes
}

function earlier(one: AuditPosition | undefined, other: AuditPosition | undefined): AuditPosition | undefined {
  if (!one || !other) return one ?? other
  return one.at < other.at ? one : other
}

const cursorOf = ({ at, id }: AuditEntry): string => Buffer.from(`${at}.${id}`).toString('base64url')

function positionOf(cursor: string): AuditPosition {
  const [, at, id] = /^(\d{1,15})\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined) throw new Fault('validation.failed', 'The cursor is not one of this list')
  return { at: Number(at), id }
}
