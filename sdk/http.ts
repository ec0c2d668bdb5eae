import { asParleyError, deviceError, isProblem, ParleyError, unavailable } from './error.ts'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** Sent as JSON. */
  body?: unknown
  query?: Record<string, string | number | undefined>
  headers?: Record<string, string>
  /** Gives it up: what became of it is then not known. */
  signal?: AbortSignal
}

/** Sends a request and gives the reply's JSON (undefined for an empty one). Rejects with `ParleyError` only. */
export type Send = (request: HttpRequest) => Promise<unknown>

const TIMEOUT_MS = 20_000

/** HTTP to one server. No reply in 20 s, or no network, is `unavailable`: what became of the request is then not known. */
export function openHttp(url: string, fetcher: typeof fetch): Send {
  return async ({ method, path, body, query, headers, signal }) => {
    const address = new URL(path, url)
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) address.searchParams.set(name, String(value))
    try {
      const response = await fetcher(address, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        credentials: 'include',
        cache: 'no-store',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
      })
      const text = await response.text()
      if (response.ok) return text === '' ? undefined : JSON.parse(text)
      throw refusal(response.status, text)
    } catch (error) {
      throw asParleyError(error)
    }
  }
}

/** A refusal that is not in our form comes from something in between (a proxy whose server is away). */
export function refusal(status: number, text: string): ParleyError {
  try {
    const body: unknown = JSON.parse(text)
    if (isProblem(body)) return new ParleyError(body)
  } catch {}
  if (status === 413) return deviceError('too_large', 'Too large')
  if (status === 429) return deviceError('rate.limited', 'Too many requests')
  if (status === 404) return deviceError('not_found', 'There is nothing here')
  return unavailable(`The server cannot be reached (${status})`)
}
