import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createProxy, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { jwtVerify } from 'jose'

/** What FCM was given for an app. */
export interface FcmMessage {
  token: string
  data: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a message by comparing it
  [form: string]: any
}

/** How FCM answers, one after the other; as it should where nothing is said. */
export type FcmBehaviour =
  | { status: number; code?: string; field?: string; headers?: Record<string, string> }
  /** A page, as something on the way may answer. */
  | { page: string; status: number }
  /** Takes it, and answers after so long. */
  | { slowMs: number }
  /** Takes it, and the answer is lost. */
  | 'cut'
  /** Takes it, and never answers. */
  | 'hang'

/**
 * Google on this machine: the OAuth endpoint that gives a service account access (RFC 7523), and FCM's HTTP v1 interface, at their own
 * names behind an HTTP proxy. What is not signed by the account, has no access, or breaks a rule of FCM's reference is refused as there.
 */
export interface FcmService {
  /** For `FCM_PROXY`. */
  readonly proxy: string
  /** For `FCM_SERVICE_ACCOUNT`. */
  readonly account: string
  /** Trusted by processes that are started with it as `NODE_EXTRA_CA_CERTS`; this one trusts it already. */
  readonly certificate: string
  /** An app registers, and is given a token; that one, where it was given by another process that stood here. */
  register(token?: string): string
  /** The app is removed from its device. */
  unregister(token: string): void
  readonly messages: FcmMessage[]
  answers: FcmBehaviour[]
  /** How it answers a message for which nothing is said there. */
  answering: (message: FcmMessage) => FcmBehaviour | undefined
  /** Called when a request has begun, before anything of it is looked at. */
  before?: () => void
  /** Called with what has been taken, and whether the sender is told. */
  taken?: (message: FcmMessage, answered: boolean) => void
  /** Called when the answer to what has been taken has left. */
  answered?: (message: FcmMessage) => void
  /** Called when the answer has left that the app is not registered. */
  turnedAway?: (token: string) => void
  /** How requests for access are refused, while they are: an OAuth error. */
  refusesAccess: string | undefined
  /** How often access was given. */
  readonly accesses: number
  /** Ends what access was given, before its time. */
  endAccess(): void
  /** Requests to FCM that have come, whatever became of them. */
  readonly asked: number
  /** Resolves when so many messages have arrived. */
  until(count: number): Promise<FcmMessage[]>
}

const HOSTS = ['fcm.googleapis.com', 'oauth2.googleapis.com']
const PROJECT = 'parley-demo'
const EMAIL = `push@${PROJECT}.iam.gserviceaccount.com`
const TOKEN_URI = 'https://oauth2.googleapis.com/token'
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'

export const newToken = (): string =>
  `${randomBytes(11).toString('base64url')}:${randomBytes(90).toString('base64url')}`

/** The service account's file in the folder of an FCM that is kept. */
export const ACCOUNT_FILE = 'account.json'

/** One for all that are not kept: to make it takes a while. */
let ownAccount: string | undefined

function newAccount(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return JSON.stringify({
    ...{ type: 'service_account', project_id: PROJECT, private_key_id: 'one', client_email: EMAIL },
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: TOKEN_URI,
  })
}

/** The account in that folder, which is made where there is none. */
function keptAccount(folder: string): string {
  const file = join(folder, ACCOUNT_FILE)
  if (!existsSync(file)) writeFileSync(file, newAccount())
  return readFileSync(file, 'utf8')
}

/**
 * `beside`: certificates of other servers, to be trusted by the same file. Account and certificate are in its folder, made where there are
 * none; all of it is new, and the folder goes at the end, unless `kept` names it and the port.
 */
export async function openFcmService(
  t: { after(end: () => void): void },
  beside: readonly string[] = [],
  kept?: { folder: string; port: number },
): Promise<FcmService> {
  const folder = kept?.folder ?? mkdtempSync(join(tmpdir(), 'parley-fcm-'))
  if (!kept) ownAccount ??= newAccount()
  const account = kept ? keptAccount(folder) : ownAccount!
  const publicKey = createPublicKey(JSON.parse(account).private_key)
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const asked = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', `/CN=${HOSTS[0]}`, '-addext', `subjectAltName=${HOSTS.map((name) => `DNS:${name}`).join()}`]
  if (!existsSync(certificate))
    execFileSync('openssl', [...asked, ...names, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  const cert = readFileSync(certificate, 'utf8')
  setDefaultCACertificates([...getCACertificates('default'), cert])
  if (beside.length > 0)
    writeFileSync(certificate, [cert, ...beside.map((path) => readFileSync(path, 'utf8'))].join('\n'))

  const registered = new Set<string>()
  const given = new Map<string, number>()
  const messages: FcmMessage[] = []
  let arrived = Promise.withResolvers<void>()
  const counts = { asked: 0, accesses: 0 }

  const google = createServer({ key: readFileSync(key), cert }, (req, res) => {
    answer(req, res).catch((error: Error) => refuse(res, 400, 'INVALID_ARGUMENT', { message: error.message }))
  })
  const proxy = createProxy((_req, res) => void res.writeHead(405).end())
  proxy.on('connect', ({ url = '' }, socket, head) => {
    if (!HOSTS.some((host) => url === `${host}:443`)) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    google.emit('connection', socket)
  })
  const open = new Set<{ destroy(): void }>()
  proxy.listen(kept?.port ?? 0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => {
    for (const socket of open) socket.destroy()
    google.closeAllConnections()
    proxy.closeAllConnections()
    proxy.close()
    if (!kept) rmSync(folder, { recursive: true })
  })

  const service: FcmService = {
    proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    account,
    certificate,
    register(token = newToken()) {
      registered.add(token)
      return token
    },
    unregister: (token) => void registered.delete(token),
    messages,
    answers: [],
    answering: () => undefined,
    refusesAccess: undefined,
    get accesses() {
      return counts.accesses
    },
    get asked() {
      return counts.asked
    },
    endAccess: () => given.clear(),
    async until(count) {
      while (messages.length < count) await arrived.promise
      return messages
    },
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    service.before?.()
    const body = Buffer.concat(await req.toArray()).toString()
    const asked = `${req.method} https://${req.headers.host}${req.url}`
    if (asked === `POST ${TOKEN_URI}`) return giveAccess(new URLSearchParams(body), res)
    counts.asked++
    if (!asked.startsWith('POST https://fcm.googleapis.com/v1/projects/')) return void res.writeHead(404).end('no page')
    const access = /^Bearer (\S+)$/.exec(String(req.headers.authorization))?.[1] ?? ''
    if ((given.get(access) ?? 0) <= Date.now()) return refuse(res, 401, 'UNAUTHENTICATED', {})
    if (!asked.endsWith(`/${PROJECT}/messages:send`)) return refuse(res, 403, 'PERMISSION_DENIED', {})
    await take(JSON.parse(body), res)
  }

  async function giveAccess(form: URLSearchParams, res: ServerResponse): Promise<void> {
    const json = (status: number, body: object) =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      return json(400, { error: 'unsupported_grant_type' })
    if (service.refusesAccess) return json(400, { error: service.refusesAccess })
    try {
      const expected = { issuer: EMAIL, audience: TOKEN_URI, algorithms: ['RS256'], maxTokenAge: '1h' }
      const { payload, protectedHeader } = await jwtVerify(form.get('assertion') ?? '', publicKey, expected)
      if (payload.scope !== SCOPE || payload.exp! > payload.iat! + 3_600 || protectedHeader.kid !== 'one') throw 0
    } catch {
      return json(400, { error: 'invalid_grant' })
    }
    const access = `ya29.${randomBytes(30).toString('base64url')}`
    counts.accesses++
    given.set(access, Date.now() + 3_600_000)
    json(200, { access_token: access, expires_in: 3_599, token_type: 'Bearer' })
  }

  async function take({ message }: { message: FcmMessage }, res: ServerResponse): Promise<void> {
    const behaviour = service.answers.shift() ?? service.answering(message)
    if (behaviour && typeof behaviour === 'object' && 'page' in behaviour)
      return void res.writeHead(behaviour.status, { 'content-type': 'text/html' }).end(behaviour.page)
    if (behaviour && typeof behaviour === 'object' && 'status' in behaviour)
      return refuse(res, behaviour.status, behaviour.code, behaviour)
    const wrong = wrongWith(message)
    if (wrong) return refuse(res, 400, 'INVALID_ARGUMENT', { message: wrong })
    if (!registered.has(message.token))
      return refuse(res, 404, 'UNREGISTERED', {}, () => service.turnedAway?.(message.token))
    messages.push(message)
    service.taken?.(message, behaviour !== 'cut' && behaviour !== 'hang')
    arrived.resolve()
    arrived = Promise.withResolvers()
    if (behaviour === 'hang') return
    if (behaviour === 'cut') return void res.destroy()
    if (behaviour) await pause(behaviour.slowMs)
    res.writeHead(200, { 'content-type': 'application/json' })
    const name = `projects/${PROJECT}/messages/${randomUUID()}`
    res.end(JSON.stringify({ name }), () => service.answered?.(message))
  }

  return service
}

/** As "ErrorCode" and `google.rpc.BadRequest` say it. */
function refuse(
  res: ServerResponse,
  status: number,
  code: string | undefined,
  more: { message?: string; field?: string; headers?: Record<string, string> },
  left?: () => void,
): void {
  const { message = 'refused', field, headers } = more
  const details: object[] = []
  if (code) details.push({ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code })
  if (field) details.push({ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field }] })
  const body = { error: { code: status, message, status: code ?? 'UNKNOWN', details } }
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body), left)
}

/** What the reference of `Message` does not let through. */
function wrongWith({ data, android, apns, webpush, notification }: FcmMessage): string | undefined {
  const all = JSON.stringify([data, notification, android?.notification, apns?.payload, webpush])
  if (Buffer.byteLength(all) > 4_096) return 'Message is too big'
  for (const [name, value] of Object.entries(data)) {
    if (typeof value !== 'string') return `Invalid value at data[${name}]`
    if (/^(from|message_type|google\..*|gcm\..*)$/.test(name)) return `Invalid data payload key: ${name}`
  }
  if (android && !/^\d+(\.\d+)?s$/.test(android.ttl)) return 'Invalid ttl'
  if (android && !['HIGH', 'NORMAL'].includes(String(android.priority).toUpperCase())) return 'Invalid priority'
  const headers: Record<string, string> = { ...apns?.headers, ...webpush?.headers }
  if (Object.values(headers).some((value) => typeof value !== 'string')) return 'Invalid header'
  if ((headers['apns-collapse-id'] ?? '').length > 64) return 'Invalid apns-collapse-id'
  if (headers['apns-push-type'] === 'background' && headers['apns-priority'] !== '5') return 'Invalid apns-priority'
  return undefined
}
