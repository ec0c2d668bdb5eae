import { randomUUID } from 'node:crypto'
import type { Control } from '@parley/kit/control'
import { Fault, parse, parser, problem } from '@parley/kit/fault'
import { depthAbove } from '@parley/kit/http'
import type { Log } from '@parley/kit/log'
import { openRate } from '@parley/kit/rate'
import type { Actor } from '@parley/kit/token'
import * as hot from '@parley/protocol/hot'
import { LIMITS, type Limits } from '@parley/protocol/limits'
import {
  PresenceActive,
  PresenceSubscribe,
  Receipt,
  SendMessage,
  SessionRefresh,
  SyncRequest,
  Typing,
} from '@parley/protocol/requests'
import type { ClientEvents } from '@parley/protocol/socket'
import { directId } from '../direct.ts'
import type { History } from '../history.ts'
import type { Messages } from '../messages.ts'
import type { Presence } from '../presence/presence.ts'
import type { Typing as TypingRules } from '../presence/typing.ts'
import type { Receipts } from '../receipts.ts'
import type { Sync } from '../sync.ts'
import type { Connection } from './connections.ts'
import type { Turn } from './send-order.ts'

/** What a client's event is answered with. */
type Answer = (data: object) => void
type Handler = (connection: Connection, input: unknown, answer: Answer) => Promise<void>

/** Serves what clients say over the socket. */
export interface Events {
  /**
   * `name` and `data` are as they came. Never throws, whatever they are; `reply` is called exactly once, and while the caller
   * waits what one device says is taken in its order.
   */
  serve(connection: Connection, name: unknown, data: unknown, reply: Reply | undefined): void
  /** Refuses what comes from now on, and resolves when what came before is answered. */
  drain(): Promise<void>
}

/** Tells the client how its event went; absent where it asked for no ack. */
type Reply = (body: object) => void

const sendMessage = parser(SendMessage, hot.sendMessage)
const receipt = parser(Receipt, hot.receipt)
const typed = parser(Typing, hot.typing)

/** Refused this often without a pause, a client is not slow but hostile. */
const REFUSALS_BEFORE_CUT = 1_000

/** The rules behind each event, and the limits on how many may come. */
export function openEvents(deps: {
  messages: Messages
  receipts: Receipts
  typing: TypingRules
  presence: Presence
  sync: Sync
  history: History
  authenticate: (token: string) => Promise<Actor>
  control: Control
  limits: Limits
  log: Log
}): Events {
  const { messages, receipts, typing, presence, sync, history, authenticate, control, limits, log } = deps
  const rate = openRate(limits.eventsPerSecond, limits.eventBurst)
  let underWay = 0
  let draining = false
  const drained = Promise.withResolvers<void>()

  const raise =
    (mark: 'deliveredSeq' | 'readSeq'): Handler =>
    async ({ actor, id }, input, answer) => {
      const { conversationId, upToSeq } = receipt(input)
      answer(await receipts.raise(actor.userId, { conversationId, [mark]: upToSeq }, id))
    }

  const handlers: Record<keyof ClientEvents, Handler> = {
    'message.send': ({ actor, id, sends }, input, answer) => {
      const message = sendMessage(input)
      const { conversationId, receiverId } = message
      const lane = conversationId ?? directId(actor.userId, receiverId!)
      const sending = (turn: Turn) => messages.send(actor, message, { acknowledge: answer, turn, socketId: id })
      // A receiver may be a group too, which other sends call by its id.
      return sends.run(lane, message.id, sending, receiverId)
    },
    'receipt.delivered': raise('deliveredSeq'),
    'receipt.read': raise('readSeq'),
    'typing.start': async (connection, input, answer) => {
      await typing.start(connection, typed(input).conversationId)
      answer({})
    },
    'typing.stop': async (connection, input, answer) => {
      await typing.stop(connection, typed(input).conversationId)
      answer({})
    },
    'presence.subscribe': async (connection, input, answer) =>
      answer(await presence.subscribe(connection, parse(PresenceSubscribe, input).userIds)),
    'presence.active': async (connection, input, answer) => {
      presence.use(connection, parse(PresenceActive, input).active)
      answer({})
    },
    sync: async ({ actor }, input, answer) => {
      const request = parse(SyncRequest, input)
      if (request.conversationId === undefined) answer(await sync.page(actor.userId, request.cursor, request.limit))
      else answer(await history.log(actor.userId, request.conversationId, request.rev, request.limit))
    },
    'session.refresh': async (connection, input, answer) => {
      const renewed = await authenticate(parse(SessionRefresh, input).token)
      const { userId, sessionId } = connection.actor
      if (renewed.userId !== userId || renewed.sessionId !== sessionId)
        throw new Fault('auth.invalid', 'That token is of another session')
      connection.actor = renewed
      answer({ expiresAt: new Date(renewed.expiresAt).toISOString() })
    },
  }

  function admit(connection: Connection, name: unknown): Handler {
    if (draining) throw new Fault('unavailable', 'This node stops: connect again', { retryAfterMs: 1_000 })
    const known = typeof name === 'string' && Object.hasOwn(handlers, name)
    // Sends have a limit of their own, which looks the message up before it refuses.
    const retryAfterMs = name === 'message.send' ? 0 : rate.take(connection.id)
    if (retryAfterMs > 0) throw new Fault('rate.limited', 'Too many events: wait a moment', { retryAfterMs })
    if (!known) throw new Fault('unsupported', 'There is no such event')
    return handlers[name as keyof ClientEvents]
  }

  function refused(connection: Connection, error: unknown): { ok: false; error: object } {
    const body = problem(error, randomUUID())
    if (body.code === 'internal') log.error({ err: error, requestId: body.requestId }, 'an event failed')
    // Told to stay away for a while: whoever floods a node must not come straight back.
    if (++connection.refusals >= REFUSALS_BEFORE_CUT)
      connection.writer.close('server.draining', { reconnectAfterMs: 30_000 })
    return { ok: false, error: body }
  }

  async function serve(connection: Connection, name: unknown, data: unknown, reply: Reply | undefined): Promise<void> {
    let answered = false
    underWay++
    try {
      const looking = control.recent()
      if (looking) await looking
      if (connection.writer.closed) return // Its session turned out to be over: nobody is there to be answered.
      const handler = admit(connection, name)
      if (depthAbove(data, LIMITS.jsonDepth))
        throw new Fault('validation.failed', `The event nests deeper than ${LIMITS.jsonDepth} levels`)
      await handler(connection, data, (result) => {
        connection.refusals = 0
        answered = true
        reply?.({ ok: true, data: result })
      })
    } catch (error) {
      const body = refused(connection, error)
      if (!answered) reply?.(body)
    } finally {
      if (--underWay === 0 && draining) drained.resolve()
    }
  }

  return {
    serve: (connection, name, data, reply) => void serve(connection, name, data, reply),
    async drain() {
      draining = true
      if (underWay > 0) await drained.promise
    },
  }
}
