import { Fault } from '@parley/kit/fault'
import { type Html, html } from '@parley/kit/html'
import type { Request, RequestHandler, Router } from 'express'
import { LETTER_TEXTS } from './mail/texts.ts'
import type { CapturedLetter } from './store/captured.ts'

/** Mail that was captured and not sent. */
export interface CapturedMail {
  /** The latest first. */
  list(): Promise<CapturedLetter[]>
}

/** `/dev/mail`, a page and (`/dev/mail.json`) the same as data. For the person at this machine alone: see `atThisMachine`. */
export function showCapturedMail(routes: Router, mail: CapturedMail): void {
  routes.get('/dev/mail', atThisMachine, async (_req, res) => {
    res
      .set('Cache-Control', 'no-store')
      .type('text/html')
      .send(page(await mail.list()).html)
  })
  routes.get('/dev/mail.json', atThisMachine, async (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ items: await mail.list() })
  })
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/
const HERE = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * A link in a mail opens an account, so whoever reads these is trusted with all of them. What comes through a proxy, from another
 * machine, or under another name (a page whose own name points to this machine) finds nothing here.
 */
const atThisMachine: RequestHandler = (req, _res, next) => {
  if (isHere(req)) return next()
  next(new Fault('not_found', 'There is nothing here'))
}

function isHere({ headers, socket }: Request): boolean {
  const proxied = Object.keys(headers).some(
    (name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded'),
  )
  return !proxied && LOOPBACK.test(socket.remoteAddress ?? '') && HERE.test(headers.host ?? '')
}

function page(letters: readonly CapturedLetter[]): Html {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Captured mail – Parley</title>
<link rel="stylesheet" href="/docs/reference.css"></head>
<body>
<nav aria-label="Pages">
<ul>
<li><a href="/">Parley</a></li>
<li><a href="/docs">Interfaces</a></li>
<li><a href="/dev/mail.json">This page as data</a></li>
</ul>
</nav>
<main>
<h1>Captured mail</h1>
<p>No mail leaves this machine: what would have been sent is kept here. The latest is on top. Load the page anew for more.</p>
${letters.length === 0 ? html`<p>Nothing was sent yet.</p>` : letters.map(letterHtml)}
</main></body></html>`
}

function letterHtml(letter: CapturedLetter): Html {
  return html`<article>
<h2>${letter.subject ?? LETTER_TEXTS.en.letters[letter.kind].subject}</h2>
<p>To <strong>${letter.to}</strong>, <time datetime="${letter.at}">${letter.at}</time></p>
${letter.text === undefined ? ofKind(letter) : asWritten(letter.text)}
</article>
`
}

/** Each block of lines is a paragraph; what stands in a line by itself as the last word, and leads to a web page, is a link. */
const asWritten = (text: string): Html[] =>
  text
    .trim()
    .split('\n\n')
    .map(
      (
        block,
      ) => html`<p>${block.split('\n').map((line, index) => html`${index > 0 && html`<br>`}${lineHtml(line)}`)}</p>
`,
    )

function lineHtml(line: string): Html {
  const [, before, url] = /^(?!\s*[*>])(.*: )(https?:\/\/\S+)$/.exec(line) ?? []
  return url === undefined ? html`${line}` : html`${before}<a href="${url}">${url}</a>`
}

function ofKind({ username, kind, link, expiresAt }: CapturedLetter): Html {
  const texts = LETTER_TEXTS.en
  const { text, link: label } = texts.letters[kind]
  const action =
    link && /^https?:/.test(link)
      ? html`<p><a href="${link}">${label ?? link}</a> (until ${expiresAt ?? ''})</p>`
      : label && !link && html`<p>The link has ended.</p>`
  return html`<p>${texts.greeting(username)}</p>
<p>${text}</p>
${action}`
}
