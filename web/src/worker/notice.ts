import { withoutMarks } from '@parley/protocol/markup'
import type { PushBody, PushedMessage } from '@parley/protocol/notification'
import { noticeStrings as words } from '../strings.ts'
import type { NoticeData } from './words.ts'

/** A notice as the browser shows it. */
export interface Notice {
  title: string
  options: {
    body: string
    tag: string
    /** Makes itself noticed though it takes another's place. */
    renotify: boolean
    silent: boolean
    dir: 'auto'
    icon: string
    badge: string
    data: NoticeData
  }
}

/** What stands under the same tag before. */
export interface Before {
  title: string
  body: string
  data: NoticeData
}

/** What a push says, whatever it was sent; undefined for what is not ours, or of a version that is not known here. */
export function readBody(json: unknown): PushBody | undefined {
  const body = Object(fromFcm(json) ?? json) as Partial<PushedMessage> & { v?: number; test?: unknown }
  if (body.v !== 1 || typeof body.tag !== 'string') return undefined
  if (typeof body.test === 'string') return { v: 1, tag: 'test', test: body.test }
  const { conversationId, seq, count } = body
  return typeof conversationId === 'string' && Number.isInteger(seq) && Number.isInteger(count)
    ? (body as PushedMessage)
    : undefined
}

/** What came by Firebase Cloud Messaging: the fields stand in `data`, each as a text, beside what FCM says of the message. */
function fromFcm(json: unknown): object | undefined {
  const { data, fcmMessageId } = Object(json) as { data?: unknown; fcmMessageId?: unknown }
  if (fcmMessageId === undefined || typeof data !== 'object' || data === null) return undefined
  return Object.fromEntries(Object.entries(data).map(([name, text]) => [name, NUMBERS.has(name) ? Number(text) : text]))
}

const NUMBERS: ReadonlySet<string> = new Set(['v', 'seq', 'count'] satisfies (keyof PushedMessage)[])

/**
 * What is shown for a push: always something, since browsers show a notice of their own where a push shows none. It takes over what stands
 * under its tag, counting on; a copy of it changes nothing, and one that came too late leaves the newer there. Neither makes itself noticed again.
 */
export function noticeOf(body: PushBody | undefined, before?: Before): Notice {
  if (!body) return notice(words.product, words.something, 'unknown', { count: 1 })
  if ('test' in body) return notice(words.testTitle, words.testText, body.tag, { count: 0 })
  const { conversationId, seq } = body
  const known = before?.data.conversationId === conversationId ? before : undefined
  if (known && (known.data.seq ?? 0) >= seq) return notice(known.title, known.body, body.tag, known.data, false)
  const count = body.count + (known?.data.count ?? 0)
  return notice(titleOf(body), textOf(body, count), body.tag, { conversationId, seq, count })
}

function notice(title: string, body: string, tag: string, data: NoticeData, anew = true): Notice {
  const drawn = { dir: 'auto', icon: '/icon-192.png', badge: '/badge-96.png' } as const
  return { title, options: { body, tag, renotify: anew, silent: !anew, ...drawn, data } }
}

function titleOf({ kind, title, sender }: PushedMessage): string {
  return (kind === 'group' ? title : sender) || words.product
}

function textOf({ kind, sender, text, because }: PushedMessage, count: number): string {
  if (text === undefined) {
    const first = kind === 'group' && sender ? said(sender, because) : words.messages(count)
    return kind === 'group' && count > 1 ? `${first}\n${words.more(count - 1)}` : first
  }
  const plain = withoutMarks(text)
  const first =
    kind === 'group' && sender ? `${because === 'message' ? sender : said(sender, because)}: ${plain}` : plain
  return count > 1 ? `${first}\n${words.more(count - 1)}` : first
}

function said(sender: string, because: PushedMessage['because']): string {
  switch (because) {
    case 'mention':
      return words.mentioned(sender)
    case 'mention.all':
      return words.mentionedAll(sender)
    case 'reply':
      return words.answered(sender)
    case 'message':
    case undefined:
      return words.wrote(sender)
    default:
      return because satisfies never
  }
}
