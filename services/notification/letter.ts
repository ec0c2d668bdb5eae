import { type Html, html } from '@parley/kit/html'
import { LETTER_TEXTS, type LetterTexts, type Locale } from './letter-texts.ts'
import type { Letter } from './mailer.ts'

/** A letter as it is read: the same said twice, for those that show HTML and for those that do not. */
export interface Written {
  subject: string
  text: string
  html: string
}

/** Writes a letter. Whatever a stranger chose is text in it, and no line of its own in the subject. `origin` is where the account is. */
export function write({ mail }: Letter, origin: string, locale: Locale = 'en'): Written {
  const texts: LetterTexts = LETTER_TEXTS[locale]
  const { subject, text, link: label } = texts.letters[mail.kind]
  const action = 'link' in mail && label !== undefined ? { label, ...mail } : undefined
  const lines = [
    texts.greeting(oneLine(mail.username)),
    text,
    ...(action ? [`${action.label}: ${oneLine(action.link)}`, texts.until(timeOf(action.expiresAt))] : []),
    `-- \n${texts.footer(origin)}`,
  ]
  return {
    subject: oneLine(subject),
    text: `${lines.join('\n\n')}\n`,
    html: layout({
      subject,
      body: html`<p>${texts.greeting(mail.username)}</p>
<p>${text}</p>${action && button(action.link, action.label)}${
        action &&
        html`
<p>${texts.until(timeOf(action.expiresAt))}</p>`
      }`,
      footer: texts.footer(origin),
      locale,
    }).html,
  }
}

/** The one layout of all letters. No image, no script and nothing that is loaded from anywhere. */
const layout = ({ subject, body, footer, locale }: { subject: string; body: Html; footer: string; locale: string }) =>
  html`<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${subject}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f7;color:#1c1e21;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px">
<h1 style="margin:0 0 16px;font-size:20px">${subject}</h1>
${body}
<p style="margin:24px 0 0;padding-top:16px;border-top:1px solid #d8dadf;color:#5b6068;font-size:13px">${footer}</p>
</div>
</body></html>
`

/** Only what leads to a web page is a link, whatever was given. */
const button = (link: string, label: string): Html =>
  /^https?:\/\//.test(link)
    ? html`
<p><a href="${link}" style="display:inline-block;padding:10px 18px;background:#1f5fbf;color:#ffffff;border-radius:6px;text-decoration:none">${label}</a></p>
<p style="word-break:break-all;color:#5b6068;font-size:13px">${link}</p>`
    : html``

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()

/** `2030-01-01 00:30`. */
const timeOf = (iso: string): string => iso.slice(0, 16).replace('T', ' ')
