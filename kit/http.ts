import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LIMITS } from '@parley/protocol/limits'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Router,
} from 'express'
import helmet from 'helmet'
import { asFault, Fault, problem } from './fault.ts'
import type { Log } from './log.ts'

/** One listening server, on which services mount their routes; the all-in-one process is one `Http` with every service on it. */
export interface Http extends AsyncDisposable {
  /** For what the routes do not cover: Socket.IO attaches to it. Whoever attaches something detaches it, and never closes the server. */
  readonly server: Server
  readonly port: number
  /** Public routes, JSON bodies parsed. Mount routers here. */
  readonly routes: Router
  /** Public routes that take bodies of any kind, and read none: what comes with the request beside its path says nothing to them. */
  readonly bodiless: Router
  /** Routes of the internal port; never reachable through the public one. */
  readonly internal: Router
  readonly internalPort: number | undefined
  /** After every route: static files. A request no one answers is `not_found`, or `unavailable` while it starts: its route may not be mounted yet. */
  readonly fallback: Router
  /** Adds a part to `/readyz`. `down` makes it 503; `degraded` is said in the body only. */
  ready(name: string, check: () => Promise<'up' | 'degraded' | 'down'>): Disposable
  /** Every route is mounted: what was to be `starting` no longer is. */
  started(): void
}

export interface HttpOptions {
  host: string
  port: number
  /** Where `/metrics` and internal routes listen; none without it. */
  internalHost?: string
  internalPort?: number
  log: Log
  /** How many proxies in front set `X-Forwarded-For` (Nginx: 1). 0 trusts none. */
  trustProxies?: number
  /** What pages may speak to beside this server (`connect-src` of the Content-Security-Policy). */
  connectSources?: readonly string[]
  /** From the first request on `/readyz` is 503, until `started`. Said here, since a request can come before whoever awaits `listen` goes on. */
  starting?: boolean
}

/** Listens; rejects with an error that names the port when it cannot. Closing waits for requests under way, at most 5 s. */
export async function listen(options: HttpOptions): Promise<Http> {
  const checks = new Map<string, () => Promise<'up' | 'degraded' | 'down'>>()
  if (options.starting) checks.set('start', async () => 'down')
  const starting = () => checks.has('start')
  const outer = shell(options, starting)
  outer.app.get('/healthz', (_req, res) => void res.json({ status: 'ok' }))
  outer.app.get('/readyz', async (_req, res) => {
    const parts = Object.fromEntries(
      await Promise.all([...checks].map(async ([name, check]) => [name, await check().catch(() => 'down')])),
    )
    const states = Object.values(parts)
    const status = states.includes('down') ? 'down' : states.includes('degraded') ? 'degraded' : 'ready'
    res.status(status === 'down' ? 503 : 200).json({ status, parts })
  })
  const inner = shell(options, starting)
  const server = await open(outer.finish(), options.host, options.port)
  const innerServer =
    options.internalPort === undefined
      ? undefined
      : await open(inner.finish(), options.internalHost ?? '127.0.0.1', options.internalPort).catch(async (error) => {
          await close(server)
          throw error
        })
  return {
    server,
    port: (server.address() as AddressInfo).port,
    routes: outer.routes,
    bodiless: outer.bodiless,
    internal: inner.routes,
    internalPort: innerServer && (innerServer.address() as AddressInfo).port,
    fallback: outer.fallback,
    ready(name, check) {
      checks.set(name, check)
      return { [Symbol.dispose]: () => void checks.delete(name) }
    },
    started: () => void checks.delete('start'),
    async [Symbol.asyncDispose]() {
      await Promise.all([close(server), innerServer && close(innerServer)])
    },
  }
}

function shell(
  options: HttpOptions,
  starting: () => boolean,
): { app: Express; bodiless: Router; routes: Router; fallback: Router; finish: () => Express } {
  const app = express()
  const bodiless = express.Router()
  const routes = express.Router()
  const fallback = express.Router()
  app.disable('x-powered-by')
  app.set('trust proxy', options.trustProxies ?? 0)
  app.set('query parser', 'simple')
  app.use(identify)
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:', 'blob:'],
          fontSrc: ["'self'"],
          connectSrc: ["'self'", ...(options.connectSources ?? [])],
          manifestSrc: ["'self'"],
          workerSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      crossOriginEmbedderPolicy: false,
      referrerPolicy: { policy: 'no-referrer' },
      // HSTS is the TLS terminator's to say (deploy/nginx): here it would lock a plain http://localhost out.
      strictTransportSecurity: false,
    }),
  )
  return {
    app,
    bodiless,
    routes,
    fallback,
    finish() {
      app.use(bodiless, jsonBody, routes, fallback)
      app.use((_req, _res, next) =>
        // Told "not found" by a node that starts, a device would take what it asked for as gone.
        next(
          starting()
            ? new Fault('unavailable', 'The server is starting')
            : new Fault('not_found', 'There is nothing here'),
        ),
      )
      app.use(refuse(options.log))
      return app
    },
  }
}

/** The request's id: the proxy's if it is well-formed, else a new one. It is in every refusal and every log line. */
export const requestId = (req: Request): string => req.res?.locals.requestId as string

const identify: RequestHandler = (req, res, next) => {
  const given = req.headers['x-request-id']
  res.locals.requestId = typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID()
  res.set('X-Request-Id', res.locals.requestId)
  next()
}

const readJson = express.json({ limit: LIMITS.frameBytes, strict: true, type: 'application/json' })

/** JSON only: a form or text body is 415, which also stops cross-site form posts. Depth is bounded, since what nests deeper breaks recursive code later. */
const jsonBody: RequestHandler = (req, res, next) => {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
  if (hasBody && !req.is('application/json')) return next(new Fault('unsupported', 'Send the body as application/json'))
  readJson(req, res, (error) => {
    if (error) return next(bodyFault(error))
    if (req.body !== undefined && depthAbove(req.body, LIMITS.jsonDepth))
      return next(new Fault('validation.failed', `The body nests deeper than ${LIMITS.jsonDepth} levels`))
    next()
  })
}

/** Whether a parsed JSON value nests deeper than `max`; does not recurse, so that depth cannot break it. */
export function depthAbove(value: unknown, max: number): boolean {
  // Most of what comes is flat, and often.
  if (max > 0 && isFlat(value)) return false
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const containers = level.filter((v): v is object => typeof v === 'object' && v !== null)
    if (containers.length > 0 && depth >= max) return true
    level = containers.flatMap((c) => Object.values(c))
  }
  return false
}

function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return false
  for (const key in value) {
    const part: unknown = value[key as keyof typeof value]
    if (typeof part === 'object' && part !== null) return false
  }
  return true
}

function bodyFault(error: { type?: string; status?: number }): Fault {
  if (error.type === 'entity.too.large')
    return new Fault('too_large', `The body is larger than ${LIMITS.frameBytes} bytes`)
  if (error.status === 415) return new Fault('unsupported', 'That encoding is not supported')
  return new Fault('validation.failed', 'The body is not valid JSON', { cause: error })
}

const refuse =
  (log: Log): ErrorRequestHandler =>
  (error, req, res, _next) => {
    // What the libraries refuse as the asker's mistake: a path that cannot be decoded, a range beyond the end of a file.
    const { status = 500 } = Object(error) as { status?: number }
    const mistaken = error instanceof URIError || (status >= 400 && status < 500)
    const fault =
      mistaken && !(error instanceof Fault)
        ? new Fault('validation.failed', 'The request is malformed')
        : asFault(error)
    const body = problem(fault, requestId(req))
    // What is not there for the moment is no defect of ours.
    const level = body.code === 'unavailable' ? 'warn' : 'error'
    if (body.status >= 500)
      log[level]({ requestId: body.requestId, code: body.code, cause: describe(fault) }, 'request failed')
    if (res.headersSent) return void res.destroy()
    if (body.status === 401) res.set('WWW-Authenticate', 'Bearer')
    if (fault.retryAfterMs !== undefined) res.set('Retry-After', String(Math.ceil(fault.retryAfterMs / 1000)))
    res.status(body.status).type('application/problem+json').send(JSON.stringify(body))
  }

const describe = (fault: Fault): string =>
  fault.cause instanceof Error ? (fault.cause.stack ?? fault.cause.message) : String(fault.cause ?? fault.message)

function open(app: Express, host: string, port: number): Promise<Server> {
  // Slow or huge headers are cut here (cases 17 and 19 of the security list); Nginx does the same in front.
  const server = createServer(
    { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 },
    app,
  )
  server.maxHeadersCount = 100
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `Port ${port} on ${host} is in use: set PORT to a free one, or stop what listens there`
            : `Cannot listen on ${host}:${port}: ${error.message}`,
        ),
      ),
    )
    server.listen(port, host, () => resolve(server))
  })
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), 5_000)
  await closed
  clearTimeout(timer)
}
