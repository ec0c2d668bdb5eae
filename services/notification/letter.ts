import { type Html, html } from '@parley/kit/html'
import { type Body, heading, note, oneLine, paragraph, timeOf, URL_TEXT } from './mail/body.ts'
import { digestLetter } from './mail/digest-letter.ts'
import { LETTER_TEXTS, type LetterTexts } from './mail/texts.ts'
import type { DigestMail, Letter, Posted } from './mailer.ts'

/** A letter as it is read: the same said twice, for those that show HTML and for those that do not. */
export interface Written {
  subject: string
  text: string
  html: string
}

/** Writes a letter in its reader's language. Whatever a stranger chose is text in it, and no line of its own in the subject. `origin` is where the account is. */
export function write({ mail, at, locale = 'en' }: Letter, origin: string): Written {
  const texts = LETTER_TEXTS[locale]
  const { subject, parts, end } =
    mail.kind === 'digest' ? digestLetter(mail, texts, origin) : plainLetter(mail, at, texts, origin)
  const lines = [texts.greeting(oneLine(mail.username)), ...parts.map(({ text }) => text)]
  return {
    subject: oneLine(subject),
    text: `${[...lines, `-- \n${[texts.footer(origin), ...end.map(({ text }) => text)].join('\n')}`].join('\n\n')}\n`,
    html: layout({
      subject: oneLine(subject),
      body: html`<p>${texts.greeting(mail.username)}</p>${parts.map(
        ({ html: part }) => html`
${part}`,
      )}`,
      footer: html`${texts.footer(origin)}${end.map(({ html: line }) => html`<br>${line}`)}`,
      locale,
    }).html,
  }
}

/** Such as have one text, and perhaps a link. */
function plainLetter(
  mail: Exclude<Posted, DigestMail>,
  at: string,
  texts: LetterTexts,
  origin: string,
): { subject: string; parts: Body[]; end: Body[] } {
  const { subject, text, link: label = '' } = texts.letters[mail.kind]
  switch (mail.kind) {
    case 'password.reset':
    case 'email.change': {
      const until = texts.until(timeOf(mail.expiresAt))
      return { subject, parts: [paragraph(text), button(mail.link, label), paragraph(until)], end: [] }
    }
    case 'password.changed':
    case 'email.changed':
    case 'test':
      return { subject, parts: [paragraph(text)], end: [] }
    case 'session.started':
    case 'session.reused': {
      const { device, place, time, unnamed } = texts.session
      const facts = [
        device(oneLine(mail.device) || unnamed),
        ...(mail.place === undefined ? [] : [place(oneLine(mail.place))]),
        time(timeOf(at)),
      ]
      const list: Body = {
        text: facts.join('\n'),
        html: html`<p>${facts.map((fact, index) => html`${index > 0 && html`<br>`}${fact}`)}</p>`,
      }
      return { subject, parts: [list, paragraph(text), button(origin, label)], end: [] }
    }
    default:
      return mail satisfies never
  }
}

/** Only what leads to a web page is a link, whatever was given. */
const button = (link: string, label: string): Body => ({
  text: `${label}: ${oneLine(link)}`,
  html: URL_TEXT.test(link)
    ? html`<p><a class="button" href="${link}" style="display:inline-block;padding:10px 18px;background:#1f5fbf;color:#ffffff;border-radius:6px;text-decoration:none">${label}</a></p>
${note(link, true)}`
    : html``,
})

/** What a reader in the dark sees; clients that know no style sheets show the light one. */
const DARK = `@media (prefers-color-scheme:dark){
body{background:#15171a !important;color:#e6e8eb !important}
.sheet{background:#212429 !important}
.dim{color:#a4aab2 !important;border-color:#3a3f46 !important}
.button{background:#3d7de0 !important}
.quote{border-color:#3a3f46 !important}
a{color:#8ab4f8}
}`

/** The one layout of all letters. No image, no script and nothing that is loaded from anywhere. */
const layout = ({ subject, body, footer, locale }: { subject: string; body: Html; footer: Html; locale: string }) =>
  html`<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${subject}</title>
<style>${{ html: DARK }}</style></head>
<body style="margin:0;padding:24px;background:#f4f5f7;color:#1c1e21;font:16px/1.5 system-ui,sans-serif">
<div class="sheet" style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px">
${heading(subject)}
${body}
<p class="dim" style="margin:24px 0 0;padding-top:16px;border-top:1px solid #d8dadf;color:#5b6068;font-size:13px">${footer}</p>
</div>
</body></html>
`
