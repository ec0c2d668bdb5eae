import { once } from 'node:events'
import { type Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { SignJWT } from 'jose'
import type { ServiceAccount } from './account.ts'

/** The access that a service account has to FCM for an hour at a time (RFC 7523), asked for once for all who need it. */
export interface Access {
  /** Rejects with `AccessRefused` where there is none to be had now. */
  token(): Promise<string>
  /** That one is good no more, whatever was said of it. */
  forget(token: string): void
}

/** Its message may be shown: it names the answer, and nothing that was sent. */
export class AccessRefused extends Error {}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const ANSWER_MS = 7_000
/** Asked for anew so long before it ends. */
const MARGIN_MS = 60_000

export function openAccess(account: ServiceAccount, agent: Agent): Access {
  let held: { token: string; until: number } | undefined
  let asking: Promise<string> | undefined

  async function ask(): Promise<string> {
    const { access_token: token, expires_in: seconds } = await answerTo(await assertionOf(account))
    if (typeof token !== 'string' || typeof seconds !== 'number') throw new AccessRefused('no access token')
    held = { token, until: Date.now() + seconds * 1_000 - MARGIN_MS }
    return token
  }

  async function answerTo(assertion: string): Promise<Record<string, unknown>> {
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
    const asked = request(account.tokenUri, {
      ...{ method: 'POST', agent, signal: AbortSignal.timeout(ANSWER_MS) },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    try {
      asked.end(form.toString())
      const [reply] = await once(asked, 'response')
      const body = JSON.parse(await text(reply))
      if (reply.statusCode === 200) return body
      // RFC 6749, 5.2: a code of these characters.
      const code = /^[\w.-]{1,60}$/.exec(String(body.error))?.[0] ?? ''
      throw new AccessRefused(`access refused: ${reply.statusCode} ${code}`.trim())
    } catch (error) {
      if (error instanceof AccessRefused) throw error
      throw new AccessRefused(`no access: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`)
    }
  }

  return {
    async token() {
      if (held && Date.now() < held.until) return held.token
      asking ??= ask().finally(() => {
        asking = undefined
      })
      return asking
    },
    forget(token) {
      if (held?.token === token) held = undefined
    },
  }
}

/** Says who asks, signed with the account's key, good for a moment. */
const assertionOf = ({ clientEmail, privateKey, keyId, tokenUri }: ServiceAccount): Promise<string> =>
  new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(clientEmail)
    .setAudience(tokenUri)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
