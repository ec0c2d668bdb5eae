import { Fault, parse } from '@parley/kit/fault'
import { openLines } from '@parley/kit/lines'
import type { Rate } from '@parley/kit/rate'
import { actorOf, signedIn } from '@parley/kit/sign-in'
import type { Actor } from '@parley/kit/token'
import { Id } from '@parley/protocol/ids'
import {
  AddMembers,
  ChangeDetails,
  ChangeOwn,
  ChangeSettings,
  CreateGroup,
  CreateInvite,
  EditMessage,
  Emoji,
  LogQuery,
  MentionsQuery,
  MessageSeq,
  MessagesQuery,
  OwnQuery,
  PageQuery,
  ReceiptHttp,
  SearchMessages,
  SendMessageHttp,
  SetRole,
  SetTimer,
  StarredQuery,
  SyncQuery,
} from '@parley/protocol/requests'
import { type Request, type RequestHandler, Router } from 'express'
import { v7 as newId } from 'uuid'
import type { Amending, Amendments } from './amendments.ts'
import type { Conversations } from './conversations.ts'
import { directId } from './direct.ts'
import type { Export } from './export.ts'
import type { History } from './history.ts'
import type { Invites } from './membership/invites.ts'
import type { Members } from './membership/members.ts'
import type { Mentions } from './mentions.ts'
import type { Messages } from './messages.ts'
import type { Own } from './own.ts'
import type { Blocks } from './people/blocks.ts'
import type { People } from './people/people.ts'
import type { Pins } from './pins.ts'
import type { Receipts } from './receipts.ts'
import type { Search } from './search.ts'
import type { OwnSettings } from './settings.ts'
import type { Sync } from './sync.ts'
import type { Timer } from './timer.ts'

/** The HTTP side of the service: parse, ask the rule, reply. */
export function chatRoutes(deps: {
  authenticate: (token: string) => Promise<Actor>
  messages: Messages
  amendments: Amendments
  mentions: Pick<Mentions, 'list'>
  conversations: Conversations
  members: Members
  invites: Invites
  history: History
  receipts: Receipts
  settings: OwnSettings
  own: Own
  pins: Pins
  timer: Timer
  sync: Sync
  exported: Export
  search: Search
  people: People
  blocks: Pick<Blocks, 'hides'>
  /** Counts reads by user: of those that no gate bounds. */
  reads: Rate
  /** Counts searches by user. */
  searches: Rate
  /** Counts changes of settings by user. */
  settingChanges: Rate
  /** Counts by user what is changed in conversations, apart from their messages. */
  changes: Rate
  /** Counts by user what is asked of codes of invites. */
  codes: Rate
}): Router {
  const { authenticate, messages, amendments, mentions, conversations, members, invites, history } = deps
  const { receipts, settings, own, pins, timer, sync, exported, search, people, blocks } = deps
  const lines = openLines()
  const read = limited(deps.reads, 'You are reading too fast: wait a moment')
  const look = limited(deps.searches, 'You are searching too fast: wait a moment')
  const set = limited(deps.settingChanges, 'You are changing settings too fast: wait a moment')
  const change = limited(deps.changes, 'You are changing conversations too fast: wait a moment')
  const open = limited(deps.codes, 'You are looking at invites too fast: wait a moment')
  const routes = Router()
  const signed = [
    '/api/messages',
    '/api/conversations',
    '/api/invites',
    '/api/sync',
    '/api/search',
    '/api/starred',
    '/api/export',
  ]
  routes.use(signed, signedIn(authenticate))

  routes.post('/api/messages/send', async (req, res) => {
    const { id = newId(), message, ...rest } = parse(SendMessageHttp, req.body)
    await messages.send(
      actorOf(req),
      { ...rest, id, text: message },
      {
        acknowledge: (reply) =>
          void res.status(201).json({ status: 'success', message: 'Message sent successfully', ...reply }),
      },
    )
  })

  routes.get('/api/messages/get/:receiverId', read, async (req, res) => {
    const { userId } = actorOf(req)
    const receiverId = parse(Id, req.params.receiverId)
    const query = parse(PageQuery, req.query)
    const page = await withReceiver(userId, receiverId, (conversationId) =>
      history.messages(userId, conversationId, query),
    )
    // This page has no place for what one has made of messages: it shows what is left.
    const hidden = new Set(page?.own?.filter((mark) => mark.hidden).map(({ seq }) => seq))
    const shown = (page?.items ?? []).filter(({ seq }) => !hidden.has(seq))
    res.json({
      conversation: shown.map(({ sender, text, id, seq, senderId, createdAt, deleted }) => ({
        sender,
        message: text,
        id,
        seq,
        senderId,
        createdAt,
        ...(deleted && { deleted }),
      })),
      ...(page?.events && { events: page.events, people: page.people }),
      ...(page?.prevCursor && { prevCursor: page.prevCursor }),
      ...(page?.nextCursor && { nextCursor: page.nextCursor }),
    })
  })

  /** A receiver is a user, with whom nothing may have been written yet (undefined), or a group. */
  async function withReceiver<T>(
    userId: string,
    receiverId: string,
    read: (conversationId: string) => Promise<T>,
  ): Promise<T | undefined> {
    for (const conversationId of [directId(userId, receiverId), receiverId]) {
      const found = await read(conversationId).catch((error) => {
        if (error instanceof Fault && error.code === 'not_found') return undefined
        throw error
      })
      if (found !== undefined) return found
    }
    const known = (await people.find([receiverId])).has(receiverId)
    if (known && !blocks.hides(userId, receiverId)) return undefined
    throw new Fault('not_found', 'There is no such conversation')
  }

  routes.get('/api/export', read, async (req, res) => {
    const actor = actorOf(req)
    await lines.send(res, actor.userId, 'parley-conversations.ndjson', exported(actor))
  })

  routes.put('/api/conversations/direct/:userId', async (req, res) => {
    res.json(await conversations.openDirect(actorOf(req).userId, parse(Id, req.params.userId)))
  })

  routes.post('/api/conversations', async (req, res) => {
    const group = parse(CreateGroup, req.body)
    res.status(201).json(await conversations.createGroup(actorOf(req).userId, group, idempotencyKey(req)))
  })

  routes.get('/api/conversations', read, async (req, res) => {
    const { after, limit } = parse(PageQuery, req.query)
    const page = await sync.page(actorOf(req).userId, after, limit)
    res.json({
      items: page.items.filter((item) => !('gone' in item)),
      ...(page.more && { nextCursor: page.cursor }),
    })
  })

  routes.get('/api/conversations/:id', read, async (req, res) => {
    res.json(await conversations.get(actorOf(req).userId, idOf(req)))
  })

  routes.patch('/api/conversations/:id', change, async (req, res) => {
    res.json(await conversations.change(actorOf(req).userId, idOf(req), parse(ChangeDetails, req.body)))
  })

  routes.get('/api/conversations/:id/members', read, async (req, res) => {
    res.json({ items: await members.list(actorOf(req).userId, idOf(req)) })
  })

  routes.post('/api/conversations/:id/members', change, async (req, res) => {
    const { userIds } = parse(AddMembers, req.body)
    res.status(201).json({ items: await members.add(actorOf(req).userId, idOf(req), userIds, idempotencyKey(req)) })
  })

  routes.delete('/api/conversations/:id/members/:userId', change, async (req, res) => {
    await members.remove(actorOf(req).userId, idOf(req), parse(Id, req.params.userId))
    res.status(204).end()
  })

  routes.put('/api/conversations/:id/members/:userId/role', change, async (req, res) => {
    const { role } = parse(SetRole, req.body)
    const targetId = parse(Id, req.params.userId)
    res.json({ items: await members.setRole(actorOf(req).userId, idOf(req), targetId, role) })
  })

  routes.post('/api/conversations/:id/invites', change, async (req, res) => {
    const terms = parse(CreateInvite, req.body)
    res.status(201).json(await invites.create(actorOf(req).userId, idOf(req), terms, idempotencyKey(req)))
  })

  routes.get('/api/conversations/:id/invites', read, async (req, res) => {
    res.json({ items: await invites.list(actorOf(req).userId, idOf(req)) })
  })

  routes.delete('/api/conversations/:id/invites/:inviteId', change, async (req, res) => {
    await invites.revoke(actorOf(req).userId, idOf(req), parse(Id, req.params.inviteId))
    res.status(204).end()
  })

  routes.get('/api/invites/:code', open, async (req, res) => {
    res.json(await invites.preview(actorOf(req).userId, String(req.params.code)))
  })

  routes.post('/api/invites/:code/join', open, async (req, res) => {
    res.json(await invites.join(actorOf(req).userId, String(req.params.code)))
  })

  routes.get('/api/conversations/:id/messages', read, async (req, res) => {
    res.json(await history.messages(actorOf(req).userId, idOf(req), parse(MessagesQuery, req.query)))
  })

  routes.patch('/api/conversations/:id/messages/:seq', async (req, res) => {
    const { text } = parse(EditMessage, req.body)
    res.json(await amendments.edit(actorOf(req).userId, amendingOf(req), text))
  })

  routes.delete('/api/conversations/:id/messages/:seq', async (req, res) => {
    res.json(await amendments.remove(actorOf(req).userId, amendingOf(req)))
  })

  routes.put('/api/conversations/:id/messages/:seq/reactions/:emoji', async (req, res) => {
    const emoji = parse(Emoji, req.params.emoji)
    res.json(await amendments.react(actorOf(req).userId, amendingOf(req), emoji, true))
  })

  routes.delete('/api/conversations/:id/messages/:seq/reactions/:emoji', async (req, res) => {
    const emoji = parse(Emoji, req.params.emoji)
    res.json(await amendments.react(actorOf(req).userId, amendingOf(req), emoji, false))
  })

  routes.get('/api/conversations/:id/messages/:seq/history', read, async (req, res) => {
    const seq = parse(MessageSeq, req.params.seq)
    res.json({ items: await amendments.versions(actorOf(req).userId, idOf(req), seq) })
  })

  routes.get('/api/conversations/:id/mentions', read, async (req, res) => {
    const { after, limit } = parse(MentionsQuery, req.query)
    res.json(await mentions.list(actorOf(req).userId, idOf(req), after, limit))
  })

  routes.get('/api/conversations/:id/log', async (req, res) => {
    const { after, limit } = parse(LogQuery, req.query)
    res.json(await history.log(actorOf(req).userId, idOf(req), after, limit))
  })

  routes.post('/api/conversations/:id/receipts', async (req, res) => {
    const marks = parse(ReceiptHttp, req.body)
    res.json(await receipts.raise(actorOf(req).userId, { conversationId: idOf(req), ...marks }))
  })

  routes.patch('/api/conversations/:id/settings', set, async (req, res) => {
    res.json(await settings.change(actorOf(req).userId, idOf(req), parse(ChangeSettings, req.body)))
  })

  routes.put('/api/conversations/:id/messages/:seq/pin', async (req, res) => {
    res.json(await amendments.pin(actorOf(req).userId, amendingOf(req), true))
  })

  routes.delete('/api/conversations/:id/messages/:seq/pin', async (req, res) => {
    res.json(await amendments.pin(actorOf(req).userId, amendingOf(req), false))
  })

  routes.get('/api/conversations/:id/pins', read, async (req, res) => {
    res.json({ items: await pins.list(actorOf(req).userId, idOf(req)) })
  })

  routes.put('/api/conversations/:id/timer', change, async (req, res) => {
    const { afterMs } = parse(SetTimer, req.body)
    res.json(await timer.set(actorOf(req).userId, idOf(req), afterMs))
  })

  for (const [method, what, to] of [
    ['put', 'star', { starred: true }],
    ['delete', 'star', { starred: false }],
    ['put', 'mine', { hidden: false }],
    ['delete', 'mine', { hidden: true }],
  ] as const)
    routes[method](`/api/conversations/:id/messages/:seq/${what}`, set, async (req, res) => {
      const seqs = [parse(MessageSeq, req.params.seq)]
      res.json(await own.change(actorOf(req).userId, idOf(req), { seqs, ...to }))
    })

  routes.post('/api/conversations/:id/own', set, async (req, res) => {
    res.json(await own.change(actorOf(req).userId, idOf(req), parse(ChangeOwn, req.body)))
  })

  routes.get('/api/conversations/:id/own', read, async (req, res) => {
    const { after, limit } = parse(OwnQuery, req.query)
    res.json(await own.page(actorOf(req).userId, idOf(req), after, limit))
  })

  routes.get('/api/starred', read, async (req, res) => {
    res.json(await own.starred(actorOf(req).userId, parse(StarredQuery, req.query)))
  })

  routes.get('/api/sync', async (req, res) => {
    const { cursor, limit } = parse(SyncQuery, req.query)
    res.json(await sync.page(actorOf(req).userId, cursor, limit))
  })

  routes.get('/api/search', look, async (req, res) => {
    res.json(await search.find(actorOf(req).userId, parse(SearchMessages, req.query)))
  })

  return routes
}

const idOf = (req: Request): string => parse(Id, req.params.id)

/** Lets a user's requests pass as fast as `rate` allows; refuses the others with `rate.limited`. */
function limited(rate: Rate, refusal: string): RequestHandler {
  return (req, _res, next) => {
    const retryAfterMs = rate.take(actorOf(req).userId)
    if (retryAfterMs > 0) throw new Fault('rate.limited', refusal, { retryAfterMs })
    next()
  }
}

/** Which message a change is of. The change is an entry of the log, and its `Idempotency-Key` the entry's id: so it is a UUID. */
function amendingOf(req: Request): Amending {
  const key = req.headers['idempotency-key']
  return {
    conversationId: idOf(req),
    seq: parse(MessageSeq, req.params.seq),
    id: key === undefined ? undefined : parse(Id, key),
  }
}

/** RFC draft "Idempotency-Key": made by the client, new for each thing it means to do. */
function idempotencyKey(req: Request): string | undefined {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new Fault('validation.failed', 'Idempotency-Key must be 1 to 255 printable characters without spaces')
}
