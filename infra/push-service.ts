import { execFileSync } from 'node:child_process'
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { importJWK, jwtVerify } from 'jose'

/** What arrived, as the browser reads it. */
export interface Pushed {
  browser: Browser
  /** Decrypted (RFC 8291). */
  body: Record<string, unknown>
  headers: IncomingMessage['headers']
}

/** How the push service answers, one after the other; as it should where nothing is said. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; slowMs?: number }
  /** Takes it, and the answer is lost. */
  | 'cut'
  /** Takes it, and never answers. */
  | 'hang'

/** A push service (RFC 8030) on this machine, and the browsers that subscribed to it. What is signed wrongly (RFC 8292), or cannot be decrypted, is refused. */
export interface PushService {
  /** For `PUSH_HOSTS`. */
  readonly host: string
  /** Trusted by processes that are started with it as `NODE_EXTRA_CA_CERTS`; this one trusts it already. */
  readonly certificate: string
  subscribe(publicKey: string): Browser
  /** Takes for a browser that subscribed while another process stood here. */
  admit(subscription: Subscription): void
  /** Nothing is taken for it any more. */
  unsubscribe(browser: { id: string }): void
  readonly pushed: Pushed[]
  answers: Behaviour[]
  /** How it answers where `answers` says nothing. */
  behave?: () => Behaviour
  /** Called when a request has begun, before anything of it is looked at. */
  asked?: () => void
  /** Called with what has been taken, and whether the sender is told. */
  taken?: (pushed: Pushed, answered: boolean) => void
  /** Called when the answer to what has been taken has left. */
  answered?: (pushed: Pushed) => void
  /** Called when the answer has left that there is no such subscription. */
  turnedAway?: (id: string) => void
  /** Resolves when so many have arrived. */
  until(count: number): Promise<Pushed[]>
  close(): void
}

/** A browser that subscribed. */
export interface Browser {
  id: string
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } }
}

/** All that is to be known of a browser that subscribed, its secrets as base64url. */
export interface Subscription {
  id: string
  /** What it subscribed with: who may push to it. */
  publicKey: string
  privateKey: string
  auth: string
}

interface Subscriber extends Browser {
  curve: ECDH
  auth: Buffer
  publicKey: string
}

export function newSubscription(publicKey: string): Subscription {
  const curve = createECDH('prime256v1')
  curve.generateKeys()
  const auth = randomBytes(16).toString('base64url')
  return { id: randomUUID(), publicKey, privateKey: curve.getPrivateKey('base64url'), auth }
}

/** The browser that has it, at the push service of that host. */
export const browserOf = (subscription: Subscription, host: string): Browser => subscriberOf(subscription, host)

function subscriberOf({ id, publicKey, privateKey, auth }: Subscription, host: string): Subscriber {
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(privateKey, 'base64url')
  const keys = { p256dh: curve.getPublicKey('base64url'), auth }
  const endpoint = `https://${host}/push/${id}`
  return { id, subscription: { endpoint, keys }, curve, auth: Buffer.from(auth, 'base64url'), publicKey }
}

/** Its folder has the certificate, which is made where there is none; both are new, and the folder goes at the end, unless `kept` names them. */
export async function openPushService(
  t: { after(end: () => void): void },
  kept?: { folder: string; port: number },
): Promise<PushService> {
  const folder = kept?.folder ?? mkdtempSync(join(tmpdir(), 'parley-push-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const asked = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  if (!existsSync(certificate))
    execFileSync('openssl', [...asked, ...name, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(certificate, 'utf8')])
  const subscribers = new Map<string, Subscriber>()
  const pushed: Pushed[] = []
  let arrived = Promise.withResolvers<void>()
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (req, res) => {
    take(req, res).catch((error: Error) => res.writeHead(400).end(error.message))
  })
  server.listen(kept?.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(() => {
    server.closeAllConnections()
    server.close()
    if (!kept) rmSync(folder, { recursive: true })
  })

  const service: PushService = {
    host,
    certificate,
    pushed,
    answers: [],
    subscribe(publicKey) {
      const subscription = newSubscription(publicKey)
      service.admit(subscription)
      return browserOf(subscription, host)
    },
    admit: (subscription) => void subscribers.set(subscription.id, subscriberOf(subscription, host)),
    unsubscribe: ({ id }) => void subscribers.delete(id),
    async until(count) {
      while (pushed.length < count) await arrived.promise
      return pushed
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }

  async function take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    service.asked?.()
    const id = req.url?.split('/').at(-1) ?? ''
    const subscriber = subscribers.get(id)
    if (!subscriber) return void res.writeHead(404).end(() => service.turnedAway?.(id))
    const content = Buffer.concat(await req.toArray())
    await verify(String(req.headers.authorization), subscriber.publicKey)
    if (req.headers['content-encoding'] !== 'aes128gcm') throw new Error('not encrypted')
    const body = JSON.parse(decrypt(content, subscriber))
    const answer = service.answers.shift() ?? service.behave?.() ?? well()
    const taken = typeof answer === 'string' || answer.status < 300
    const one = { browser: subscriber, body, headers: req.headers }
    if (taken) {
      pushed.push(one)
      service.taken?.(one, typeof answer !== 'string')
      arrived.resolve()
      arrived = Promise.withResolvers()
    }
    if (answer === 'cut') return void res.destroy()
    if (answer === 'hang') return
    if (answer.slowMs) await pause(answer.slowMs)
    res.writeHead(answer.status, answer.headers).end(() => taken && service.answered?.(one))
  }

  async function verify(authorization: string, subscribedTo: string): Promise<void> {
    const [, token, publicKey] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? []
    if (publicKey !== subscribedTo) throw new Error('signed by another than was subscribed to')
    const point = Buffer.from(publicKey, 'base64url')
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'))
    const { payload } = await jwtVerify(token!, await importJWK({ kty: 'EC', crv: 'P-256', x: x!, y: y! }, 'ES256'), {
      audience: `https://${host}`,
    })
    if (!payload.sub || payload.exp! > Date.now() / 1_000 + 86_400) throw new Error('not signed as RFC 8292 says')
  }

  return service
}

const well = (): Behaviour => ({ status: 201, headers: { location: `/message/${randomUUID()}` } })

/** RFC 8291 with the content encoding of RFC 8188, written from their texts. */
function decrypt(content: Buffer, { curve, auth }: Subscriber): string {
  const [salt, length] = [content.subarray(0, 16), content[20]!]
  const sender = content.subarray(21, 21 + length)
  const secret = curve.computeSecret(sender)
  const derive = (from: Buffer, by: Buffer, info: Buffer, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', from, by, info, bytes))
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), curve.getPublicKey(), sender])
  const input = derive(secret, auth, info, 32)
  const key = derive(input, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
  const nonce = derive(input, salt, Buffer.from('Content-Encoding: nonce\0'), 12)
  const decipher = createDecipheriv('aes-128-gcm', key, nonce)
  decipher.setAuthTag(content.subarray(-16))
  const plain = Buffer.concat([decipher.update(content.subarray(21 + length, -16)), decipher.final()])
  // One record, whose padding begins with a 2.
  return plain.subarray(0, plain.lastIndexOf(2)).toString()
}
