/** Text that is HTML already. */
export interface Html {
  readonly html: string
}

/** HTML from a template; what is put in is escaped, unless it is HTML itself. Lists are joined, undefined and false are nothing. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return { html: parts.reduce((text, part, index) => text + write(values[index - 1]) + part) }
}

type Value = string | number | Html | readonly Html[] | undefined | false

function write(value: Value): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return 'html' in value ? value.html : value.map((each) => each.html).join('')
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/** A line of prose: what is in `backticks` is code. */
export const prose = (text: string | undefined): Html => ({
  html: escapeHtml(text ?? '').replace(/`([^`]+)`/g, '<code>$1</code>'),
})
