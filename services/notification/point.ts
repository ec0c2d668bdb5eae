import { createECDH } from 'node:crypto'

/** Whether it is a point on P-256, uncompressed and in base64url: a public key that can be used. */
export function isPoint(key: string): boolean {
  try {
    const own = createECDH('prime256v1')
    own.generateKeys()
    own.computeSecret(Buffer.from(key, 'base64url'))
    return true
  } catch {
    return false
  }
}
