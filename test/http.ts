export interface Reply<T> {
  status: number
  headers: Headers
  /** Parsed where it is JSON, else the text; undefined when empty. */
  body: T
}

export interface Request {
  token?: string
  /** Sent as JSON; a string or bytes as they are. */
  body?: unknown
  headers?: Record<string, string>
}

/** One request over plain `fetch`; `T` is what the caller expects of the body and then asserts. */
export async function ask<T>(url: string, method: string, { token, body, headers }: Request = {}): Promise<Reply<T>> {
  const asIs = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: asIs ? ((body as BodyInit | undefined) ?? null) : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await response.text()
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? undefined : isJson ? JSON.parse(text) : text) as T,
  }
}
