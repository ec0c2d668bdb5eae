import { domainToASCII } from 'node:url'
import { Fault } from '@parley/kit/fault'

/** RFC 5321: the longest address that a mail can be sent to. */
const MAX = 254

/**
 * The form by which two e-mail addresses are the same: NFKC, lower case, the domain in ASCII. Undefined for what is no address
 * that mail could reach: one `@`, a local part without blanks, quotes or control characters, and a domain of at least two labels.
 */
export function foldEmail(address: string): string | undefined {
  const text = address.trim().normalize('NFKC').toLowerCase().normalize('NFKC')
  const [local, domain, ...more] = text.split('@')
  if (!local || !domain || more.length > 0) return undefined
  if (!/^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u.test(local))
    return undefined
  if (Buffer.byteLength(local) > 64 || !/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  if (!/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(ascii)) return undefined
  const folded = `${local}@${ascii}`
  return Buffer.byteLength(folded) <= MAX ? folded : undefined
}

/** `foldEmail` of what someone registers with. Throws `validation.failed` for what is no address. */
export function checkedEmail(address: string): { email: string; emailKey: string } {
  const email = address.trim()
  const emailKey = foldEmail(email)
  if (emailKey !== undefined) return { email, emailKey }
  const errors = [{ pointer: '/email', detail: 'must be an e-mail address' }]
  throw new Fault('validation.failed', '/email: must be an e-mail address', { errors })
}
