import type { ConversationItem, LogPage, MessagePage, SyncPage } from '@parley/protocol/conversation'
import type { LoginReply } from '@parley/protocol/user'

/**
 * A user's plain HTTP session: no SDK, so that what it reads is a second witness. Calls are tried again, for a bounded
 * time, while the system is down; a definite answer is returned as it is.
 */
export interface Rest {
  readonly userId: string
  readonly username: string
  readonly sessionId: string
  readonly token: string
  readonly partition: number
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>
  get<T>(path: string): Promise<T>
}

const CALL_MS = 60_000
const TRY_MS = 5_000
const PAUSE_MS = 200

export async function logIn(url: string, email: string, password: string): Promise<Rest> {
  const reply = await request(url, undefined, 'POST', '/api/user/login', {
    email,
    password,
    tokens: 'body',
    device: 'faults',
  })
  if (reply.status !== 200)
    throw new Error(`log-in of ${email} answered ${reply.status}: ${JSON.stringify(reply.body)}`)
  const { user, token, sessionId, partition } = reply.body as LoginReply
  const call: Rest['call'] = (method, path, body) => request(url, token, method, path, body)
  return {
    userId: user.id,
    username: user.username,
    sessionId,
    token,
    partition,
    call,
    async get<T>(path: string) {
      const { status, body } = await call('GET', path)
      if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`)
      return body as T
    },
  }
}

async function request(
  url: string,
  token: string | undefined,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; body: unknown }> {
  const until = Date.now() + CALL_MS
  for (;;) {
    const outcome = await once(url, token, method, path, body)
    const passing = outcome === undefined || outcome.status >= 500 || outcome.status === 429
    if (!passing) return outcome
    if (Date.now() > until) return outcome ?? { status: 0, body: undefined }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** One try; undefined when no answer came. */
export async function once(
  url: string,
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown } | undefined> {
  try {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TRY_MS),
    })
    const text = await response.text()
    // Nginx answers in HTML when nobody behind it does.
    const json = response.headers.get('content-type')?.includes('json') ?? false
    return { status: response.status, body: json && text ? JSON.parse(text) : undefined }
  } catch {
    return undefined
  }
}

/** The whole log of a conversation, as one member sees it. */
export async function wholeLog(rest: Rest, conversationId: string): Promise<LogPage['items']> {
  const items: LogPage['items'] = []
  for (let after = 0; ; ) {
    const page = await rest.get<LogPage>(`/api/conversations/${conversationId}/log?after=${after}&limit=200`)
    items.push(...page.items)
    if (!page.more || page.items.length === 0) return items
    after = page.items.at(-1)!.rev
  }
}

/** All conversations in the user's list. */
export async function wholeList(rest: Rest): Promise<ConversationItem[]> {
  const items = new Map<string, ConversationItem>()
  for (let cursor = ''; ; ) {
    const page = await rest.get<SyncPage>(`/api/sync?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
    for (const item of page.items) if (!('gone' in item)) items.set(item.id, item)
    if (!page.more) return [...items.values()]
    cursor = page.cursor
  }
}

/** The newest page of a conversation, as it is now. */
export const newestPage = (
  rest: Rest,
  conversationId: string,
): Promise<{ status: number; body: unknown } | undefined> =>
  rest.call('GET', `/api/conversations/${conversationId}/messages?limit=50`) as Promise<{
    status: number
    body: MessagePage
  }>
