import { randomUUID } from 'node:crypto'
import { Agent } from 'node:https'
import type { Log } from '@parley/kit/log'
import type { FcmWebConfig } from '@parley/protocol/notification'
import type { Content } from '../push-body.ts'
import { afterOf, type PushOutcome, type PushService } from '../push-service.ts'
import type { FcmAddress } from '../store/devices.ts'
import { AccessRefused, openAccess } from './access.ts'
import type { ServiceAccount } from './account.ts'
import { BODY_BYTES, messageOf } from './message.ts'
import { openOneTry } from './one-try.ts'

/** How this service pushes by Firebase Cloud Messaging. */
export interface FcmConfig {
  account: ServiceAccount
  /** What a push says of a message: Google, and Apple for its devices, can read it. */
  content: Content
  /** The HTTP proxy by which Google is reached. */
  proxy: string | undefined
  /** The operator's web app: browsers register by FCM too. Without it they are pushed to by Web Push. */
  web: FcmWebConfig | undefined
}

export interface Fcm extends PushService<FcmAddress>, AsyncDisposable {
  /** `degraded` while Google gives no access. */
  state(): 'up' | 'degraded'
}

/** Said where FCM says that a quota is used up, and not how long to wait ("at least a minute", by its documentation). */
const QUOTA_MS = 60_000
/** What is wrong with the access is logged no more often. */
const COMPLAIN_MS = 60_000
/** Pushes under way are no more; connections are kept for those to come. */
const CONNECTIONS = 32

/** FCM's HTTP v1 interface, by Google's own client. That is loaded here and nowhere else: whoever does not push by FCM pays nothing for it. */
export async function openFcm({ account, content, proxy }: Omit<FcmConfig, 'web'>, log: Log): Promise<Fcm> {
  const [{ deleteApp, initializeApp }, { getMessaging }] = await Promise.all([
    import('firebase-admin/app'),
    import('firebase-admin/messaging'),
  ])
  const options = { keepAlive: true, maxSockets: CONNECTIONS, ...(proxy && { proxyEnv: { HTTPS_PROXY: proxy } }) }
  const oneTry = openOneTry(options)
  const accessAgent = new Agent(options)
  const access = openAccess(account, accessAgent)
  const app = initializeApp(
    {
      projectId: account.projectId,
      // The one who remembers a token is the one who is told that it is good no more: so the client asks each time.
      credential: { getAccessToken: async () => ({ access_token: await access.token(), expires_in: 0 }) },
      httpAgent: oneTry.agent,
    },
    randomUUID(),
  )
  const messaging = getMessaging(app)
  let state: 'up' | 'degraded' = 'up'
  let complainedAt = 0

  async function send(address: FcmAddress, push: Parameters<Fcm['send']>[1]): Promise<PushOutcome> {
    let token = ''
    try {
      token = await access.token()
      state = 'up'
      const name = await messaging.send(messageOf(address, push, Date.now()))
      return { kind: 'taken', providerId: name }
    } catch (error) {
      const outcome = error instanceof AccessRefused ? noAccess(error) : outcomeOf(error)
      if (outcome === 'no access') {
        access.forget(token)
        return { kind: 'later', detail: '401 UNAUTHENTICATED' }
      }
      return outcome
    }
  }

  function noAccess({ message }: AccessRefused): PushOutcome {
    state = 'degraded'
    if (Date.now() - complainedAt >= COMPLAIN_MS) {
      complainedAt = Date.now()
      log.warn({ detail: message }, 'FCM cannot be used: Google gives this service account no access')
    }
    return { kind: 'later', detail: message }
  }

  return {
    content,
    bytes: BODY_BYTES,
    send: (address, push, signal) => oneTry.run(signal, () => send(address, push)),
    state: () => state,
    async [Symbol.asyncDispose]() {
      await deleteApp(app)
      oneTry.agent.destroy()
      accessAgent.destroy()
    },
  }
}

/** What the client throws: an answer of FCM that is none to be glad of, or no answer. */
interface Thrown {
  code?: string
  cause?: { code?: string }
  httpResponse?: { status: number; headers: Record<string, string | undefined>; data?: unknown }
}

/** By "ErrorCode" in FCM's reference, and by who is to blame: this message, the device, the operator's project, or nobody. */
function outcomeOf(error: unknown): PushOutcome | 'no access' {
  const { code = 'error', cause, httpResponse } = error as Thrown
  if (!httpResponse)
    // What never left, because the client itself finds fault with it, will not be better later.
    return /^messaging\/(invalid|payload)/.test(code)
      ? { kind: 'refused', detail: code }
      : { kind: 'later', detail: cause?.code ?? code }
  const { status, headers, data } = httpResponse
  const said = saidBy(data)
  const detail = [status, said.code].filter(Boolean).join(' ')
  // Whoever said that, it was not FCM: a proxy, a portal.
  if (said.code === '' && status < 500 && status !== 429) return { kind: 'later', detail }
  if (said.code === 'UNREGISTERED') return { kind: 'gone', detail }
  // It belongs to another project: this one can never push there.
  if (said.code === 'SENDER_ID_MISMATCH') return { kind: 'gone', detail }
  if (status === 400) return said.ofToken ? { kind: 'gone', detail } : { kind: 'refused', detail, suspect: true }
  if (status === 401 && said.code !== 'THIRD_PARTY_AUTH_ERROR') return 'no access'
  // What is the operator's to mend is no device's fault, and may be mended in time.
  if (status === 401 || status === 403) return { kind: 'later', detail }
  if (status === 429) return { kind: 'later', detail, afterMs: afterOf(headers['retry-after']) ?? QUOTA_MS }
  if (status >= 500) {
    const afterMs = afterOf(headers['retry-after'])
    return { kind: 'later', detail, ...(afterMs !== undefined && { afterMs }) }
  }
  return { kind: 'refused', detail }
}

/** FCM's own code, where there is one, and whether it finds fault with the token. Of what it says in words nothing is passed on. */
function saidBy(data: unknown): { code: string; ofToken: boolean } {
  const { error } = (data ?? {}) as { error?: { status?: unknown; message?: unknown; details?: unknown } }
  const details = (Array.isArray(error?.details) ? error.details : []) as Record<string, unknown>[]
  const own = details.find((detail) => typeof detail?.errorCode === 'string')?.errorCode
  const code = /^[A-Z_]{1,60}$/.exec(String(own ?? error?.status))?.[0] ?? ''
  const violations = details.flatMap((detail) => detail?.fieldViolations ?? []) as { field?: unknown }[]
  const isOfToken = violations.some((one) => one?.field === 'message.token')
  return { code, ofToken: isOfToken || /registration token/i.test(String(error?.message)) }
}
