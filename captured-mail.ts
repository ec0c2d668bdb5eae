import { DatabaseSync } from 'node:sqlite'
import type { Bus } from '@parley/kit/bus/bus'
import { Fault } from '@parley/kit/fault'
import type { Mail } from '@parley/protocol/mail'
import type { Request, RequestHandler, Router } from 'express'

/**
 * Where mail goes that nobody sends: a file in the data folder, so that a mail which was promised is there after a crash. It holds
 * the last 200, and of each link only until that has ended.
 */
export interface CapturedMail extends AsyncDisposable {
  /** The latest first. */
  list(): CapturedLetter[]
}

/** As it came, without the link once that has ended. */
export interface CapturedLetter {
  id: string
  at: string
  to: string
  username: string
  kind: Mail['kind']
  link?: string
  expiresAt?: string
}

const KEPT = 200

/** Takes every mail from the bus, and keeps it in the SQLite file at `path`. */
export async function captureMail(path: string, bus: Bus, now: () => number = Date.now): Promise<CapturedMail> {
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
    CREATE TABLE IF NOT EXISTS letters (
      n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, mail TEXT NOT NULL, link TEXT, expires_at TEXT
    ) STRICT`)
  const insert = db.prepare('INSERT OR IGNORE INTO letters (id, at, mail, link, expires_at) VALUES (?, ?, ?, ?, ?)')
  const drop = db.prepare('DELETE FROM letters WHERE n <= (SELECT max(n) FROM letters) - ?')
  const blank = db.prepare('UPDATE letters SET link = NULL WHERE link IS NOT NULL AND expires_at <= ?')
  const all = db.prepare('SELECT * FROM letters ORDER BY n DESC')
  const forgetLinks = (): void => void blank.run(new Date(now()).toISOString())

  const subscription = await bus.subscribe('notification.mail', async ({ id, occurredAt, data }) => {
    const { link = null, expiresAt = null, ...mail } = { link: undefined, expiresAt: undefined, ...data }
    insert.run(id, occurredAt, JSON.stringify(mail), link, expiresAt)
    drop.run(KEPT)
    forgetLinks()
  })
  const timer = setInterval(forgetLinks, 60_000).unref()

  return {
    list() {
      forgetLinks()
      return all.all().map((row) => ({
        id: String(row.id),
        at: String(row.at),
        ...(JSON.parse(String(row.mail)) as Pick<CapturedLetter, 'to' | 'username' | 'kind'>), // as it was written above
        ...(row.link !== null && { link: String(row.link) }),
        ...(row.expires_at !== null && { expiresAt: String(row.expires_at) }),
      }))
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await subscription[Symbol.asyncDispose]()
      db.close()
    },
  }
}

/** `/dev/mail`, a page and (`/dev/mail.json`) the same as data. For the person at this machine alone: see `atThisMachine`. */
export function showCapturedMail(routes: Router, mail: CapturedMail): void {
  routes.get('/dev/mail', atThisMachine, (_req, res) => {
    res.set('Cache-Control', 'no-store').type('text/html').send(page(mail.list()))
  })
  routes.get('/dev/mail.json', atThisMachine, (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ items: mail.list() })
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

const TEXTS: Record<Mail['kind'], { subject: string; text: string; link?: string }> = {
  'password.reset': {
    subject: 'Set a new password',
    text: 'someone, hopefully you, asked for a new password for this account. If it was not you, leave this mail alone.',
    link: 'Set a new password',
  },
  'email.change': {
    subject: 'Confirm your e-mail address',
    text: 'this address is to become the one of this account. If you did not ask for it, leave this mail alone.',
    link: 'Confirm this address',
  },
  'password.changed': {
    subject: 'Your password was changed',
    text: 'the password of this account was changed. If it was not you, ask for a new one by “Forgot your password?”.',
  },
  'email.changed': {
    subject: 'Your e-mail address was changed',
    text: 'this address is no longer the one of this account.',
  },
}

function page(letters: readonly CapturedLetter[]): string {
  return `<!doctype html>
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
${letters.length === 0 ? '<p>Nothing was sent yet.</p>' : letters.map(letterHtml).join('\n')}
</main></body></html>`
}

function letterHtml({ at, to, username, kind, link, expiresAt }: CapturedLetter): string {
  const { subject, text, link: label } = TEXTS[kind]
  const action =
    link && /^https?:/.test(link)
      ? `<p><a href="${escaped(link)}">${escaped(label ?? link)}</a> (until ${escaped(expiresAt ?? '')})</p>`
      : label && !link
        ? '<p>The link has ended.</p>'
        : ''
  return `<article>
<h2>${escaped(subject)}</h2>
<p>To <strong>${escaped(to)}</strong>, <time datetime="${escaped(at)}">${escaped(at)}</time></p>
<p>Hello ${escaped(username)}, ${escaped(text)}</p>
${action}
</article>`
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
