import { execFileSync } from 'node:child_process'
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  | { status: number; headers?: Record<string, string> }
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
  /** Nothing is taken for it any more. */
  unsubscribe(browser: Browser): void
  readonly pushed: Pushed[]
  answers: Behaviour[]
  /** How it answers where `answers` says nothing. */
  behave?: () => Behaviour
  /** Called with what has been taken, and whether the sender is told. */
  taken?: (pushed: Pushed, answered: boolean) => void
  /** Resolves when so many have arrived. */
  until(count: number): Promise<Pushed[]>
  close(): void
}

/** A browser that subscribed. */
export interface Browser {
  id: string
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } }
}

interface Subscriber extends Browser {
  curve: ECDH
  auth: Buffer
  publicKey: string
}

export async function openPushService(t: { after(end: () => void): void }): Promise<PushService> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-push-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const asked = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', [...asked, ...name, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(certificate, 'utf8')])
  const subscribers = new Map<string, Subscriber>()
  const pushed: Pushed[] = []
  let arrived = Promise.withResolvers<void>()
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (req, res) => {
    take(req, res).catch((error: Error) => res.writeHead(400).end(error.message))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  })

  const service: PushService = {
    host,
    certificate,
    pushed,
    answers: [],
    subscribe(publicKey) {
      const [id, auth, curve] = [randomUUID(), randomBytes(16), createECDH('prime256v1')]
      const keys = { p256dh: curve.generateKeys('base64url'), auth: auth.toString('base64url') }
      const browser = { id, subscription: { endpoint: `https://${host}/push/${id}`, keys } }
      subscribers.set(id, { ...browser, curve, auth, publicKey })
      return browser
    },
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
    const subscriber = subscribers.get(req.url?.split('/').at(-1) ?? '')
    if (!subscriber) return void res.writeHead(404).end()
    const content = Buffer.concat(await req.toArray())
    await verify(String(req.headers.authorization), subscriber.publicKey)
    if (req.headers['content-encoding'] !== 'aes128gcm') throw new Error('not encrypted')
    const body = JSON.parse(decrypt(content, subscriber))
    const answer = service.answers.shift() ?? service.behave?.() ?? well()
    const taken = typeof answer === 'string' || answer.status < 300
    if (taken) {
      const one = { browser: subscriber, body, headers: req.headers }
      pushed.push(one)
      service.taken?.(one, typeof answer !== 'string')
      arrived.resolve()
      arrived = Promise.withResolvers()
    }
    if (answer === 'cut') res.destroy()
    else if (answer !== 'hang') res.writeHead(answer.status, answer.headers).end()
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
