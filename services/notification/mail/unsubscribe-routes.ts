import { Fault } from '@parley/kit/fault'
import { type Html, html } from '@parley/kit/html'
import type { Locale } from '@parley/protocol/locale'
import { Router } from 'express'
import { PREFERRED } from '../preferences.ts'
import type { PreferenceStore } from '../store/preferences.ts'
import { LETTER_TEXTS } from './texts.ts'
import { UNSUBSCRIBE_PATH, type Unsubscribe } from './unsubscribe.ts'

/**
 * Behind the link of a mail: a page that asks (what looks at links before their reader does changes nothing), and the POST that does it,
 * from the page or at one click from a mail program. Both without a log-in. Mounted where bodies are not read: RFC 8058 sends a form,
 * which says nothing that the link does not.
 */
export function unsubscribeRoutes(unsubscribe: Unsubscribe, preferences: Pick<PreferenceStore, 'find'>): Router {
  const routes = Router()

  async function localeOf(token: string): Promise<Locale> {
    const userId = unsubscribe.read(token)?.userId
    const set = userId !== undefined && (await preferences.find([userId])).get(userId)
    return (set || PREFERRED).locale
  }

  routes.get(UNSUBSCRIBE_PATH, async (req, res) => {
    const token = tokenOf(req.query.token)
    if (!unsubscribe.read(token)) throw new Fault('not_found', 'There is nothing here')
    const locale = await localeOf(token)
    const { title, ask, button } = LETTER_TEXTS[locale].page
    const form = html`<p>${ask}</p>
<form method="post" action="${UNSUBSCRIBE_PATH}?token=${token}"><button type="submit">${button}</button></form>`
    res
      .set('Cache-Control', 'no-store')
      .type('text/html')
      .send(page(locale, title, form).html)
  })
  routes.post(UNSUBSCRIBE_PATH, async (req, res) => {
    const token = tokenOf(req.query.token)
    if (!(await unsubscribe.end(token))) throw new Fault('not_found', 'There is nothing here')
    const locale = await localeOf(token)
    const { title, done, again } = LETTER_TEXTS[locale].page
    res
      .set('Cache-Control', 'no-store')
      .type('text/html')
      .send(
        page(
          locale,
          title,
          html`<p role="status">${done}</p>
<p>${again}</p>`,
        ).html,
      )
  })
  return routes
}

const tokenOf = (given: unknown): string => (typeof given === 'string' ? given : '')

const page = (locale: Locale, title: string, body: Html): Html => html`<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${title} – Parley</title>
<link rel="stylesheet" href="/docs/reference.css"></head>
<body>
<nav aria-label="Parley">
<ul>
<li><a href="/">Parley</a></li>
</ul>
</nav>
<main>
<h1>${title}</h1>
${body}
</main></body></html>
`
