/** An access token and how long it is good, by this device's own stopwatch: its wall clock may be wrong. */
export interface Access {
  token: string
  /** Milliseconds that it was given. */
  life: number
  /** So little is left that it may have ended when it arrives. */
  nearlyOver(): boolean
}

const NEARLY_OVER_MS = 5_000

/** Starts the stopwatch: the token has just come. */
export function openAccess(token: string, expiresAt: string): Access {
  const life = lifeOf(token) ?? Date.parse(expiresAt) - Date.now()
  const until = performance.now() + life
  // A laptop that slept may have stopped the one clock or the other: the sooner end counts.
  const untilWall = Date.now() + life
  const left = (): number => Math.min(until - performance.now(), untilWall - Date.now())
  return { token, life, nearlyOver: () => left() < Math.min(NEARLY_OVER_MS, life / 8) }
}

/** The life that a JWT gives itself, in milliseconds. */
function lifeOf(token: string): number | undefined {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const { iat, exp } = JSON.parse(atob(payload)) as { iat?: unknown; exp?: unknown }
    return typeof iat === 'number' && typeof exp === 'number' && exp > iat ? (exp - iat) * 1000 : undefined
  } catch {
    return undefined
  }
}
