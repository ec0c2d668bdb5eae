import { html } from '@parley/kit/html'
import type { DigestMail } from '../mailer.ts'
import { type Body, oneLine, paragraph, URL_TEXT } from './body.ts'
import type { DigestPart } from './digest-parts.ts'
import type { LetterTexts } from './texts.ts'

/** Senders of one conversation who are named. */
const NAMED = 3

/** What one has not read, conversation by conversation, and how to get no more of it. */
export function digestLetter(
  { parts, further, unsubscribe }: DigestMail,
  texts: LetterTexts,
  origin: string,
): { subject: string; parts: Body[]; end: Body[] } {
  const { digest, letters } = texts
  const count = parts.reduce((sum, part) => sum + part.count, 0)
  const more = further !== 0 || parts.some((part) => part.more)
  return {
    subject: digest.subject(count, more),
    parts: [
      paragraph(letters.digest.text),
      ...parts.map((part) => partBody(part, texts)),
      ...(further === 0 ? [] : [paragraph(digest.further(further))]),
      link(digest.open, origin),
    ],
    end: [paragraphless(digest.why), anchor(digest.unsubscribe, unsubscribe)],
  }
}

function partBody(part: DigestPart, { digest }: LetterTexts): Body {
  const senders = part.senders.map(oneLine).filter(Boolean)
  const named = senders.slice(0, NAMED)
  const from = named.length > 0 ? digest.from(named, senders.length - named.length) : undefined
  const title = oneLine(part.kind === 'direct' ? (senders[0] ?? '') : part.title) || digest.unnamed
  const count = digest.count(part.count, part.more)
  const facts = part.kind === 'group' && from !== undefined ? `${count}. ${from}` : count
  const quotes = part.texts.map(({ sender, text }) => ({
    sender: part.kind === 'group' ? oneLine(sender) : '',
    text: oneLine(text),
  }))
  return {
    text: [`* ${title}: ${facts}`, ...quotes.map(({ sender, text }) => `  > ${sender && `${sender}: `}${text}`)].join(
      '\n',
    ),
    html: html`<div style="margin:0 0 16px"><strong>${title}</strong><div class="dim" style="color:#5b6068;font-size:13px">${facts}</div>${quotes.map(
      ({ sender, text }) =>
        html`
<div class="quote" style="margin:6px 0 0;padding:2px 0 2px 12px;border-left:3px solid #d8dadf;overflow-wrap:anywhere">${sender && html`<strong>${sender}:</strong> `}${text}</div>`,
    )}</div>`,
  }
}

const link = (label: string, url: string): Body => ({
  text: `${label}: ${url}`,
  html: html`<p><a class="button" href="${url}" style="display:inline-block;padding:10px 18px;background:#1f5fbf;color:#ffffff;border-radius:6px;text-decoration:none">${label}</a></p>`,
})

const paragraphless = (text: string): Body => ({ text, html: html`${text}` })

const anchor = (label: string, url: string): Body => ({
  text: `${label}: ${url}`,
  html: URL_TEXT.test(url) ? html`<a class="dim" href="${url}" style="color:#5b6068">${label}</a>` : html`${label}`,
})
