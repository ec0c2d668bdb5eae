import { createECDH, hkdfSync } from 'node:crypto'

/** How push services know who sends (RFC 8292): a pair of keys on P-256, each base64url. Browsers subscribe to the public one. */
export interface VapidKeys {
  publicKey: string
  privateKey: string
}

/**
 * The pair that belongs to the `internal` key: so it is there with the first start, is the same for every process, and is kept where that
 * key is kept. Another key makes another pair, which the browsers that subscribed to the one before do not take.
 */
export function vapidOf(internal: Buffer): VapidKeys {
  // Any 32 bytes are a key here but for one in 2^32, which the curve refuses.
  for (let n = 0; ; n++) {
    try {
      const curve = createECDH('prime256v1')
      curve.setPrivateKey(Buffer.from(hkdfSync('sha256', internal, '', `parley vapid ${n}`, 32)))
      const [publicKey, privateKey] = [curve.getPublicKey(), curve.getPrivateKey()]
      return { publicKey: publicKey.toString('base64url'), privateKey: padded(privateKey).toString('base64url') }
    } catch (error) {
      if (n > 10) throw error
    }
  }
}

/** Is the public key that of the private one? */
export function isPair({ publicKey, privateKey }: VapidKeys): boolean {
  try {
    const curve = createECDH('prime256v1')
    curve.setPrivateKey(Buffer.from(privateKey, 'base64url'))
    return curve.getPublicKey('base64url') === publicKey
  } catch {
    return false
  }
}

/** The curve leaves zeros at the front out. */
const padded = (key: Buffer): Buffer => Buffer.concat([Buffer.alloc(32 - key.length), key])
