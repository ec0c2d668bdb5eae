import { readFileSync } from 'node:fs'
import { type Env, reader } from '@parley/kit/config'
import type { FcmWebConfig } from '@parley/protocol/notification'
import { type ServiceAccount, serviceAccountOf } from './fcm/account.ts'
import type { FcmConfig } from './fcm/fcm.ts'
import { FCM_WEB_SOURCES, fcmWebConfigOf } from './fcm/web-config.ts'
import type { MailPace } from './mail.ts'
import { CONTENTS, type Content } from './push-body.ts'
import { isPair, type VapidKeys } from './vapid.ts'

export interface NotificationConfig {
  store: { sqlitePath: string } | { mongoUrl: string }
  keyFile: string
  /** The web origin that letters name; by default the first of `PARLEY_ORIGINS`, else the server's own on this machine. */
  publicUrl: string | undefined
  mail: MailConfig
  /** How long things of mail take, instead of what is usual. */
  mailPace?: MailPace
  push: PushConfig
  digest: DigestConfig
  audit: AuditConfig
}

/** How people are told of messages by push. */
export interface PushConfig {
  /** What a push says of a message. */
  content: Content
  /** How long a message waits to be read before anybody is told. */
  graceMs: number
  /** Push services beside those of the browsers. */
  hosts: string[]
  /** Instead of the pair that is made of the internal key. */
  vapid: VapidKeys | undefined
  /** Undefined where apps are not pushed to. */
  fcm: FcmConfig | undefined
  /** Pauses between tries, instead of those of every channel. */
  retryMs?: { first: number; most: number }
}

/** How people are told by mail of what they have not read. */
export interface DigestConfig {
  /** What a mail says of a message. */
  content: Content
  /** How long a message waits to be read before a mail tells of it. */
  afterMs: number
  /** From one mail to a user to the next it is at least that long. */
  everyMs: number
}

/** How long it is kept what happened to accounts. */
export interface AuditConfig {
  keptMs: number
}

/** Where mail goes: to that server, from that address, or nowhere: then it is captured, to be read by who runs the service. */
export type MailConfig = { smtpUrl: string; from: MailAddress } | 'captured'

export interface MailAddress {
  name: string
  address: string
}

/** What the service needs to run by itself. */
export interface NotificationServiceConfig extends NotificationConfig {
  host: string
  port: number
  internalHost: string
  internalPort: number
  rabbitUrl: string
  /** The user service's internal address, and those of the chat nodes. */
  userServiceUrl: string
  chatServiceUrls: string[]
  logLevel: string
}

/** What pages must be let speak to beside ourselves, for what is set. */
export const pageSources = ({ push }: NotificationConfig): readonly string[] => (push.fcm?.web ? FCM_WEB_SOURCES : [])

type Reader = ReturnType<typeof reader>
const MONGODB = ['mongodb:', 'mongodb+srv:']

/** The service as a part of the all-in-one process: files in the data folder, and mail captured, unless said otherwise. Problems stay with `read`. */
export function notificationConfig(read: Reader): NotificationConfig {
  const data = read.text('PARLEY_DATA', 'data')
  const mongoUrl = read.optionalUrl('MONGODB_URL', MONGODB)
  return {
    store: mongoUrl ? { mongoUrl } : { sqlitePath: `${data}/notification.db` },
    keyFile: read.text('PARLEY_KEY_FILE', `${data}/keys.json`),
    publicUrl: publicUrl(read),
    mail: mailConfig(read) ?? 'captured',
    push: pushConfig(read),
    digest: digestConfig(read),
    audit: auditConfig(read),
  }
}

/** The service by itself: key file, store, broker, web origins and mail server must be given. Throws one `ConfigError` that names all that is wrong. */
export function readNotificationService(env: Env): NotificationServiceConfig {
  const read = reader(env)
  const captures = read.optional('MAIL_CAPTURE')
  const mail = mailConfig(read)
  const config = {
    keyFile: read.required('PARLEY_KEY_FILE', 'the JSON file with the internal key'),
    store: { mongoUrl: read.requiredUrl('MONGODB_URL', MONGODB, 'where it is kept what was told to whom') },
    rabbitUrl: read.requiredUrl('RABBITMQ_URL', ['amqp:', 'amqps:'], 'the event bus'),
    publicUrl: publicUrl(read),
    mail: mail ?? ('captured' as const),
    push: pushConfig(read),
    digest: digestConfig(read),
    audit: auditConfig(read),
    userServiceUrl: read.requiredUrl('USER_SERVICE_URL', ['http:', 'https:'], "the user service's internal address"),
    chatServiceUrls: chatUrls(read),
    host: read.text('HOST', '127.0.0.1'),
    port: read.port('PORT', 3003),
    internalHost: read.text('INTERNAL_HOST', '127.0.0.1'),
    internalPort: read.port('INTERNAL_PORT', 9464),
    logLevel: read.logLevel('LOG_LEVEL', 'info'),
  }
  if (captures !== undefined && captures !== '1') read.problem(`MAIL_CAPTURE must be 1 or absent, not "${captures}"`)
  if (mail && captures) read.problem('SMTP_URL and MAIL_CAPTURE are both set: keep one')
  if (!mail && !captures)
    read.problem(
      'SMTP_URL is missing: the mail server, such as smtps://user:password@mail.example.org (or MAIL_CAPTURE=1, and no mail is sent)',
    )
  if (config.publicUrl === undefined)
    read.problem(
      'PARLEY_ORIGINS is missing: the web origins that may use the service, such as https://chat.example.org',
    )
  read.throwIfInvalid()
  return config
}

function chatUrls(read: Reader): string[] {
  const urls = read
    .required('CHAT_SERVICE_URLS', "the chat nodes' internal addresses, with commas between")
    .split(',')
    .map((url) => url.trim())
    .filter(Boolean)
  for (const url of urls)
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      read.problem(`CHAT_SERVICE_URLS must be of http: or https:, not "${url}"`)
  return urls
}

function contentOf(read: Reader, name: string, otherwise: Content = 'full'): Content {
  const content = CONTENTS.find((one) => one === read.text(name, otherwise))
  if (!content) read.problem(`${name} must be one of ${CONTENTS.join(', ')}`)
  return content ?? 'none'
}

const digestConfig = (read: Reader): DigestConfig => ({
  content: contentOf(read, 'MAIL_CONTENT'),
  afterMs: read.integer('DIGEST_AFTER_MS', 15 * 60_000, 0, 7 * 86_400_000),
  everyMs: read.integer('DIGEST_EVERY_MS', 6 * 3_600_000, 0, 30 * 86_400_000),
})

const auditConfig = (read: Reader): AuditConfig => ({
  keptMs: read.integer('AUDIT_KEPT_DAYS', 180, 1, 3_650) * 86_400_000,
})

function pushConfig(read: Reader): PushConfig {
  const [publicKey, privateKey] = [read.optional('VAPID_PUBLIC_KEY'), read.optional('VAPID_PRIVATE_KEY')]
  if ((publicKey === undefined) !== (privateKey === undefined))
    read.problem('VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY go together: set both or neither')
  const vapid = publicKey !== undefined && privateKey !== undefined ? { publicKey, privateKey } : undefined
  if (vapid && !isPair(vapid))
    read.problem('VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY must be a pair on P-256, in base64url')
  const content = contentOf(read, 'PUSH_CONTENT')
  return {
    content,
    graceMs: read.integer('PUSH_GRACE_MS', 5_000, 0, 600_000),
    hosts: (read.optional('PUSH_HOSTS') ?? '').split(',').flatMap((host) => host.trim() || []),
    vapid,
    fcm: fcmConfig(read, content),
  }
}

function fcmConfig(read: Reader, ofPushes: Content): FcmConfig | undefined {
  const account = fcmAccount(read)
  const proxy = read.optionalUrl('FCM_PROXY', ['http:', 'https:'])
  const content = contentOf(read, 'FCM_CONTENT', ofPushes)
  const web = fcmWeb(read, account)
  return account && { account, content, proxy, web }
}

/** `FCM_WEB_CONFIG` is the JSON that Firebase gives for a web app, with `vapidKey` in it. */
function fcmWeb(read: Reader, account: ServiceAccount | undefined): FcmWebConfig | undefined {
  const given = read.optional('FCM_WEB_CONFIG')
  if (given === undefined) return undefined
  try {
    const config = fcmWebConfigOf(given)
    if (read.optional('FCM_SERVICE_ACCOUNT') === undefined)
      read.problem(
        'FCM_WEB_CONFIG needs FCM_SERVICE_ACCOUNT too: browsers would register, and nobody could push to them',
      )
    else if (account && account.projectId !== config.projectId)
      read.problem(`FCM_WEB_CONFIG is of the project ${config.projectId}, FCM_SERVICE_ACCOUNT of ${account.projectId}`)
    return config
  } catch (error) {
    read.problem(`FCM_WEB_CONFIG, the web app in Firebase: ${(error as Error).message}`)
    return undefined
  }
}

/** `FCM_SERVICE_ACCOUNT` is the JSON that Google gives, or the path of a file with it. What it holds is said to nobody. */
function fcmAccount(read: Reader): ServiceAccount | undefined {
  const given = read.optional('FCM_SERVICE_ACCOUNT')
  if (given === undefined) return undefined
  try {
    return serviceAccountOf(given.trimStart().startsWith('{') ? given : readFileSync(given, 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code ? `no file can be read at that path (${code}), and it is not JSON` : message
    read.problem(`FCM_SERVICE_ACCOUNT, the service account for Firebase Cloud Messaging: ${why}`)
    return undefined
  }
}

function publicUrl(read: Reader): string | undefined {
  const [origin = read.origins('PARLEY_ORIGINS')[0], ...more] = read.origins('PARLEY_PUBLIC_URL')
  if (more.length > 0) read.problem('PARLEY_PUBLIC_URL must be one web origin')
  return origin
}

function mailConfig(read: Reader): Exclude<MailConfig, 'captured'> | undefined {
  const smtpUrl = read.optionalUrl('SMTP_URL', ['smtp:', 'smtps:'])
  if (!read.optional('SMTP_URL')) return undefined
  const text = read.required('MAIL_FROM', 'who letters are from, such as Parley <parley@example.org>')
  const from = text === '' ? undefined : addressOf(text)
  if (text !== '' && !from)
    read.problem(`MAIL_FROM must be one address, such as Parley <parley@example.org>, not "${text}"`)
  return { smtpUrl: smtpUrl ?? '', from: from ?? { name: '', address: '' } }
}

/** `address` or `name <address>`; undefined for anything else. */
function addressOf(text: string): MailAddress | undefined {
  const [, name = '', inBrackets, bare] = /^(?:"?([^"<>\p{Cc}]*?)"?\s*<([^<>]+)>|([^<>]+))$/u.exec(text.trim()) ?? []
  const address = inBrackets ?? bare
  return address !== undefined && isAddress(address) ? { name, address } : undefined
}

/** Whether it is one address and nothing else: nothing in it could be read as a second one, or as a header. */
export const isAddress = (text: string): boolean =>
  text.length <= 320 && /^[^\s@"(),:;<>[\\\]\p{Cc}]+@[^\s@"'(),:;<>[\\\]\p{Cc}]+$/u.test(text)
