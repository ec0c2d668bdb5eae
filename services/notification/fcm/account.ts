import { createPrivateKey, type KeyObject } from 'node:crypto'

/** What Google gives whoever may push to the apps of a project: a service account, which signs for itself. */
export interface ServiceAccount {
  projectId: string
  clientEmail: string
  /** As an object that shows nothing of itself, wherever it may be printed. */
  privateKey: KeyObject
  /** Names the key where Google has several of that account. */
  keyId: string | undefined
  /** Where it is given access (RFC 7523). */
  tokenUri: string
}

/** Reads the JSON that Google gives. Throws an error that says what is wrong with it, and nothing of what it holds. */
export function serviceAccountOf(json: string): ServiceAccount {
  const fields = objectOf(json)
  const text = (name: string): string => {
    const value = fields[name]
    if (typeof value !== 'string' || value === '') throw new Error(`it has no ${name}`)
    return value
  }
  if (fields.type !== 'service_account') throw new Error('it is not the JSON of a service account (no such type)')
  const projectId = text('project_id')
  if (!/^[a-z][a-z0-9:.-]{1,63}$/.test(projectId)) throw new Error('its project_id is none of Google’s')
  const clientEmail = text('client_email')
  if (!/^[^@\s]+@[^@\s]+$/.test(clientEmail)) throw new Error('its client_email is no e-mail address')
  const tokenUri = fields.token_uri === undefined ? 'https://oauth2.googleapis.com/token' : text('token_uri')
  if (URL.parse(tokenUri)?.protocol !== 'https:') throw new Error('its token_uri must begin with https://')
  const keyId = typeof fields.private_key_id === 'string' ? fields.private_key_id : undefined
  return { projectId, clientEmail, privateKey: keyOf(text('private_key')), keyId, tokenUri }
}

/** The fields of a JSON object. What is wrong with it is said without quoting it. */
export function objectOf(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // What a parser says of it may quote it.
  }
  throw new Error('it is not JSON')
}

function keyOf(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // As above.
  }
  throw new Error('its private_key is no RSA key in PEM')
}
