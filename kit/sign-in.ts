import type { Request, RequestHandler } from 'express'
import type { Control } from './control.ts'
import { Fault } from './fault.ts'
import { type Actor, bearer, type Verifier } from './token.ts'

/** Who sent a request. Only behind `signedIn`. */
export const actorOf = (req: Request): Actor => req.res?.locals.actor as Actor

/** Lets signed-in requests pass; refuses others with `auth.invalid` or `auth.expired`. */
export function signedIn(authenticate: (token: string) => Promise<Actor>): RequestHandler {
  return async (req, res, next) => {
    res.locals.actor = await authenticate(bearer(req))
    next()
  }
}

/** The actor of a token that is good and whose session is not over. While the node stops nobody is let in any more. */
export function openAuthentication(
  verifier: Verifier,
  control: Control,
  stopping: () => boolean,
): (token: string) => Promise<Actor> {
  return async (token) => {
    if (stopping()) throw new Fault('unavailable', 'This node stops: try again', { retryAfterMs: 1_000 })
    const actor = await verifier.verify(token)
    await control.recent()
    control.check(actor)
    return actor
  }
}
