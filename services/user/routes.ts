import { asFault, Fault, parse } from '@parley/kit/fault'
import { openLines } from '@parley/kit/lines'
import { originAllowed } from '@parley/kit/origin'
import { type Actor, bearer, type Verifier } from '@parley/kit/token'
import { Id } from '@parley/protocol/ids'
import { partitionOf } from '@parley/protocol/limits'
import {
  ChangesRequest,
  DeleteAccount,
  Login,
  NameSession,
  Refresh,
  Register,
  SearchUsers,
} from '@parley/protocol/requests'
import type { LoginReply, OwnUser, RegisterReply } from '@parley/protocol/user'
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { z } from 'zod'
import type { Accounts } from './accounts.ts'
import type { UserConfig } from './config.ts'
import { contactRoutes } from './contact-routes.ts'
import type { Contacts } from './contacts.ts'
import { clearCookie, readCookie, setCookie } from './cookie.ts'
import { deviceName } from './device-name.ts'
import { emailRoutes } from './email-routes.ts'
import type { Export } from './export.ts'
import type { ForgottenPassword } from './forgotten-password.ts'
import type { OwnAccount } from './own-account.ts'
import type { OwnEmail } from './own-email.ts'
import type { OwnPassword } from './own-password.ts'
import { passwordRoutes } from './password-routes.ts'
import type { PeopleSearch } from './people-search.ts'
import { profileRoutes } from './profile-routes.ts'
import type { Profiles } from './profiles.ts'
import type { PublicUsers } from './public-user.ts'
import type { Continued, Sessions } from './sessions.ts'
import type { Account } from './store/store.ts'
import type { Throttle } from './throttle.ts'
import type { Tokens } from './tokens.ts'

const UserQuery = z.object({ username: z.string().min(1).max(128) })
const RequestKey = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'Idempotency-Key must be 1 to 200 visible characters')

/** `/api/user`: parse, ask the rule, reply. */
export function userRoutes(needs: {
  accounts: Accounts
  sessions: Sessions
  ownPassword: OwnPassword
  forgottenPassword: ForgottenPassword
  ownEmail: OwnEmail
  ownAccount: OwnAccount
  exported: Export
  tokens: Tokens
  verifier: Verifier
  throttle: Throttle
  contacts: Contacts
  profiles: Profiles
  publicUsers: PublicUsers
  peopleSearch: PeopleSearch
  config: Pick<UserConfig, 'origins' | 'limits'>
}): Router {
  const { accounts, sessions, ownPassword, forgottenPassword, ownEmail, ownAccount, tokens, verifier } = needs
  const { throttle, contacts, profiles, publicUsers, peopleSearch, exported, config } = needs
  const lines = openLines()
  const routes = Router()
  const cookieAgeMs = config.limits.sessionDays * 86_400_000

  /** Who asks, by a token whose session still lives. */
  async function authenticate(req: Request): Promise<Actor> {
    const actor = await verifier.verify(bearer(req))
    await sessions.get(actor)
    return actor
  }

  async function answer(req: Request, res: Response, account: Account, signedIn: Continued, where: 'cookie' | 'body') {
    const { session, refreshToken } = signedIn
    const issued = await tokens.issue(account, session.id)
    if (where === 'cookie') setCookie(req, res, refreshToken, cookieAgeMs)
    const reply: LoginReply = {
      token: issued.token,
      user: ownUser(account),
      expiresAt: issued.expiresAt,
      sessionId: session.id,
      partition: partitionOf(account.id),
      ...(where === 'body' ? { refreshToken } : {}),
    }
    res.json(reply)
  }

  routes.use(unstored, sameOrigin(config.origins))

  routes.post('/register', async (req, res) => {
    const input = parse(Register, req.body)
    const requestKey = parse(RequestKey.optional(), req.headers['idempotency-key'])
    const account = await accounts.register(input, { address: addressOf(req), requestKey })
    const reply: RegisterReply = { message: 'User registered successfully', user: ownUser(account) }
    res.status(201).json(reply)
  })

  routes.post('/login', async (req, res) => {
    const input = parse(Login, req.body)
    const account = await accounts.signIn(input.email, input.password, addressOf(req))
    const device = input.device || deviceName(req.headers['user-agent'])
    const signedIn = await sessions.start(account, device, addressOf(req))
    // Changed since it was looked at: whoever changed it may have listed the sessions to end before this one was there.
    if (!(await accounts.stands(account))) {
      await sessions.end(account.id, signedIn.session.id)
      throw new Fault('auth.invalid', 'The e-mail address or the password is wrong')
    }
    await answer(req, res, account, signedIn, input.tokens)
  })

  routes.use('/password', passwordRoutes({ ownPassword, forgottenPassword, authenticate, addressOf }))
  routes.use('/email', emailRoutes({ ownEmail, authenticate, addressOf }))

  routes.post('/refresh', async (req, res) => {
    const { refreshToken, userId } = parse(Refresh, req.body ?? {})
    const token = refreshToken ?? readCookie(req)
    if (token === undefined) throw new Fault('auth.invalid', 'Log in: there is no refresh token')
    // A refused cookie is left as it is: another tab may have been given a newer one by now.
    const continued = await sessions.refresh(token, addressOf(req)).catch(async (error) => {
      if (asFault(error).code !== 'auth.invalid' || userId === undefined || !sessions.isOurs(token)) throw error
      // With the session went what says whose it was; that somebody deleted the account is no secret from who has been signed in here.
      if (!(await ownAccount.wasDeleted(userId))) throw error
      throw new Fault('auth.invalid', 'The account was deleted', { deleted: true })
    })
    const [account] = await accounts.find([continued.session.userId])
    if (!account) throw new Fault('auth.invalid', 'The session is over: log in')
    await answer(req, res, account, continued, refreshToken === undefined ? 'cookie' : 'body')
  })

  // By access token, or by refresh token where that has ended: one can always log out.
  routes.post('/logout', async (req, res) => {
    const { refreshToken } = parse(Refresh, req.body ?? {})
    const cookie = readCookie(req)
    const session = await loggingOut(req, refreshToken ?? cookie)
    await sessions.end(session.userId, session.id)
    if (cookie?.startsWith(`${session.id}.`)) clearCookie(req, res)
    res.status(204).end()
  })

  async function loggingOut(req: Request, refreshToken: string | undefined): Promise<{ userId: string; id: string }> {
    try {
      const { userId, sessionId } = await verifier.verify(bearer(req))
      return { userId, id: sessionId }
    } catch (refusal) {
      const session = refreshToken === undefined ? undefined : await sessions.ofRefreshToken(refreshToken)
      if (!session) throw refusal
      return session
    }
  }

  routes.get('/me', async (req, res) => {
    const actor = await authenticate(req)
    const [account] = await accounts.find([actor.userId])
    if (!account) throw new Fault('auth.invalid', 'The session is over: log in')
    res.json(ownUser(account))
  })

  routes.delete('/me', async (req, res) => {
    const actor = await authenticate(req)
    await ownAccount.delete(actor, parse(DeleteAccount, req.body), addressOf(req))
    if (readCookie(req)?.startsWith(`${actor.sessionId}.`)) clearCookie(req, res)
    res.status(204).end()
  })

  routes.get('/export', async (req, res) => {
    const actor = await authenticate(req)
    const [account] = await accounts.find([actor.userId])
    if (!account) throw new Fault('auth.invalid', 'The session is over: log in')
    await lines.send(res, actor.userId, 'parley-account.ndjson', exported(actor, ownUser(account)))
  })

  routes.get('/me/sessions', async (req, res) => {
    res.json({ items: await sessions.list(await authenticate(req)) })
  })

  routes.patch('/me/sessions/:id', async (req, res) => {
    const actor = await authenticate(req)
    const { name } = parse(NameSession, req.body)
    res.json(await sessions.rename(actor, idOf(req), name))
  })

  routes.delete('/me/sessions/:id', async (req, res) => {
    const actor = await authenticate(req)
    const id = idOf(req)
    await sessions.revoke(actor, id)
    if (readCookie(req)?.startsWith(`${id}.`)) clearCookie(req, res)
    res.status(204).end()
  })

  routes.delete('/me/sessions', async (req, res) => {
    await sessions.revokeOthers(await authenticate(req))
    res.status(204).end()
  })

  routes.use('/me/profile', profileRoutes({ profiles, authenticate }))
  routes.use('/contacts', contactRoutes({ contacts, authenticate }))

  routes.get('/users', async (req, res) => {
    const actor = await authenticate(req)
    const { username } = parse(UserQuery, req.query)
    await throttle.lookUp(actor.userId)
    const account = await accounts.findByName(username)
    res.json({ items: await publicUsers(await profiles.findable(actor.userId, account ? [account] : [])) })
  })

  routes.get('/search', async (req, res) => {
    const actor = await authenticate(req)
    const query = parse(SearchUsers, req.query)
    await throttle.lookUp(actor.userId)
    res.json(await peopleSearch.find(actor.userId, query))
  })

  routes.get('/users/:id', async (req, res) => {
    const actor = await authenticate(req)
    const id = idOf(req)
    await throttle.lookUp(actor.userId)
    const [account] = await accounts.find([id])
    const hiding = await contacts.hiding(actor.userId, [id])
    if (!account || hiding.has(id)) throw new Fault('not_found', 'There is no such user')
    res.json((await publicUsers([account]))[0])
  })

  routes.post('/changes', async (req, res) => {
    const { userId } = await authenticate(req)
    res.json(await profiles.changes(userId, parse(ChangesRequest, req.body).known))
  })

  routes.get('/users/:id/profile', async (req, res) => {
    const { userId } = await authenticate(req)
    res.json(await profiles.view(userId, idOf(req)))
  })

  return routes
}

/** What is no id names nothing. */
function idOf(req: Request): string {
  const id = Id.safeParse(req.params.id)
  if (!id.success) throw new Fault('not_found', 'There is nothing here')
  return id.data
}

const ownUser = ({ id, username, email, createdAt }: Account): OwnUser => ({ id, username, email, createdAt })

const addressOf = (req: Request): string => req.ip ?? 'unknown'

/** Replies carry tokens and what is one's own: no cache keeps them. */
const unstored: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store')
  next()
}

/** What changes something or uses the cookie may not come from a foreign page, whatever its content type (case 49). */
function sameOrigin(allowed: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    const safe = req.method === 'GET' || req.method === 'HEAD'
    if (safe || originAllowed(req.headers.origin, req.headers.host, allowed)) return next()
    next(new Fault('origin.refused', 'This web origin may not use the service'))
  }
}
