import { type Html, html } from '@parley/kit/html'

/** A part of a letter, said twice. */
export interface Body {
  text: string
  html: Html
}

/** What leads to a web page. */
export const URL_TEXT = /^https?:\/\//

export const paragraph = (text: string): Body => ({ text, html: html`<p>${text}</p>` })

export const heading = (text: string): Html =>
  html`<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3">${text}</h1>`

/** Small print; `breaks` where it may break in the middle of a word. */
export const note = (text: string, breaks = false): Html =>
  html`<p class="dim" style="${breaks && 'word-break:break-all;'}color:#5b6068;font-size:13px">${text}</p>`

/** Without whatever begins a line, or turns the direction of what follows. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()

/** `2030-01-01 00:30`. */
export const timeOf = (iso: string): string => iso.slice(0, 16).replace('T', ' ')
