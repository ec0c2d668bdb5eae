/**
 * What one types into the search box, taken apart. Words and `"phrases in quotes"` must all be in a message; `from:`, `in:`,
 * `before:`, `after:` and `has:` narrow it further. No zod: the web client reads it too.
 */
export interface SearchQuery {
  /** As typed; folded when they are looked for (`fold.ts`). */
  terms: string[]
  /** User names or ids, `me` for oneself: sent by any of these. */
  from: string[]
  /** Titles or ids of conversations: in any of these. */
  in: string[]
  /** Sent before that moment, and at it or later: RFC 3339, or a day (which begins at 00:00 UTC). */
  before?: string
  after?: string
  has: 'link'[]
}

/** Longer queries are refused by the server; of more terms and values than that the further ones are left out. */
export const QUERY_CODE_POINTS = 200
export const QUERY_TERMS = 10

const OPERATOR = /^(from|in|before|after|has):(.+)$/isu
const DAY = /^\d{4}-\d\d-\d\d$/
const MOMENT = /^\d{4}-\d\d-\d\dt\d\d:\d\d(:\d\d(\.\d{1,9})?)?(z|[+-]\d\d:\d\d)$/i

/** Takes any text, and never throws: an operator whose value makes no sense is looked for as it stands. */
export function parseSearch(text: string): SearchQuery {
  const query: SearchQuery = { terms: [], from: [], in: [], has: [] }
  let terms = 0
  for (const token of tokensOf([...text].slice(0, QUERY_CODE_POINTS).join(''))) {
    if (terms === QUERY_TERMS) break
    if (take(query, token)) terms++
  }
  return query
}

interface Token {
  operator?: string
  value: string
}

function* tokensOf(text: string): Generator<Token> {
  let rest = text.trimStart()
  while (rest !== '') {
    const [token] = /^(?:(?:from|in):)?"[^"]*(?:"|$)|^\S+/iu.exec(rest)!
    rest = rest.slice(token.length).trimStart()
    const [, operator, value] = OPERATOR.exec(token) ?? []
    if (operator && value)
      yield { operator: operator.toLowerCase(), value: value.startsWith('"') ? unquoted(value) : value }
    else yield { value: token.startsWith('"') ? unquoted(token) : token }
  }
}

const unquoted = (quoted: string): string => quoted.replaceAll('"', '').trim()

/** False when there is nothing in it to take. */
function take(query: SearchQuery, { operator, value }: Token): boolean {
  if (value === '') return false
  if (operator === 'from' || operator === 'in') query[operator].push(value)
  else if ((operator === 'before' || operator === 'after') && isMoment(value)) query[operator] = value
  else if (operator === 'has' && value.toLowerCase() === 'link') query.has = ['link']
  else query.terms.push(operator ? `${operator}:${value}` : value)
  return true
}

const isMoment = (value: string): boolean =>
  (DAY.test(value) || MOMENT.test(value)) && !Number.isNaN(Date.parse(value)) && hasDay(value)

/** Does the month have that day? `Date` would take the 31st of February for a day of March. */
function hasDay(value: string): boolean {
  const [year, month, day] = value.slice(0, 10).split('-').map(Number) as [number, number, number]
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** A text that is taken apart into the same query. */
export function formatSearch(query: SearchQuery): string {
  return [
    ...query.terms.map((term) => (isPlain(term) ? term : `"${term}"`)),
    ...(['from', 'in'] as const).flatMap((operator) =>
      query[operator].map((value) => `${operator}:${/\s/u.test(value) ? `"${value}"` : value}`),
    ),
    ...(query.before === undefined ? [] : [`before:${query.before}`]),
    ...(query.after === undefined ? [] : [`after:${query.after}`]),
    ...query.has.map((what) => `has:${what}`),
  ].join(' ')
}

/** Is a term taken for what it is without quotes? */
const isPlain = (term: string): boolean => /^[^\s"]\S*$/u.test(term) && parseSearch(term).terms[0] === term
