/**
 * The marks by which people give a message form, read as a tree: the server looks for names in it, clients show it. Plain functions,
 * no zod. Nothing is ever refused: what is no mark is text, and every character of the source is in the tree, as text or as a mark.
 * Takes time in proportion to the text, whatever it is.
 */

export type Mark = '**' | '__' | '*' | '_' | '~~'

/** A part of a line. */
export type Part =
  | { kind: 'text'; text: string }
  /** As it is written. `mark`: the back-ticks on either side. */
  | { kind: 'code'; text: string; mark: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'bold' | 'italic' | 'strike'; mark: Mark; parts: Part[] }

/** The source is that of the blocks, with a line break between two. */
export type Block =
  | { kind: 'lines'; lines: Part[][] }
  /** `marks`: what each line began with. */
  | { kind: 'quote' | 'bullets' | 'numbers'; lines: Part[][]; marks: string[] }
  /** Whole lines between two fences; `open` and `close` are these, with the line breaks inside. */
  | { kind: 'code'; open: string; text: string; close: string }

export interface LinkAt {
  from: number
  to: number
  href: string
}

/** Finds addresses in one line, in order and apart from each other. */
export type LinksIn = (line: string) => readonly LinkAt[]

const NO_LINKS: LinksIn = () => []

/** Reads a message. Without `linksIn` addresses are text. */
export function parseMarkup(text: string, linksIn: LinksIn = NO_LINKS): Block[] {
  const lines = text.split('\n')
  const closing = closingFences(lines)
  const blocks: Block[] = []
  for (let n = 0; n < lines.length; ) {
    const line = lines[n]!
    const fenced = line.startsWith(FENCE) ? codeFrom(lines, n, closing[n]!) : undefined
    if (fenced) {
      blocks.push(fenced.block)
      n = fenced.next
      continue
    }
    const last = blocks.at(-1)
    const { kind, mark } = beginningOf(line, last?.kind === 'quote')
    const parts = partsOf(line.slice(mark.length), linksIn)
    if (kind === 'lines') {
      if (last?.kind === kind) last.lines.push(parts)
      else blocks.push({ kind, lines: [parts] })
    } else if (last?.kind === kind) {
      last.lines.push(parts)
      last.marks.push(mark)
    } else blocks.push({ kind, lines: [parts], marks: [mark] })
    n++
  }
  return blocks
}

/** What people read, without any mark: one string for each stretch of plain text, in order. Code and links are not among them. */
export function plainTexts(blocks: readonly Block[]): string[] {
  const texts: string[] = []
  const look = (parts: readonly Part[]): void => {
    for (const part of parts) {
      if (part.kind === 'text') texts.push(part.text)
      else if ('parts' in part) look(part.parts)
    }
  }
  for (const block of blocks) if (block.kind !== 'code') for (const line of block.lines) look(line)
  return texts
}

/** The text without its marks: for where there is no room for their form. Those of lists stay, which are read as they are. */
export function withoutMarks(text: string): string {
  const plain = (parts: readonly Part[]): string =>
    parts.map((part) => ('parts' in part ? plain(part.parts) : part.text)).join('')
  return parseMarkup(text)
    .map((block) => {
      if (block.kind === 'code') return block.text
      const marks = block.kind === 'bullets' || block.kind === 'numbers' ? block.marks : []
      return block.lines.map((line, n) => (marks[n] ?? '') + plain(line)).join('\n')
    })
    .join('\n')
}

/** Of a list, with something behind it. A number is shown as it is written, so that it has no zeros in front and not too many digits. */
const ITEM = /^(?:- |(?:0|[1-9]\d{0,8})\. )(?=\S)/

/** What a line begins with, and is by that. */
function beginningOf(
  line: string,
  inQuote: boolean,
): { kind: 'lines' | 'quote' | 'bullets' | 'numbers'; mark: string } {
  if (line.startsWith('> ')) return { kind: 'quote', mark: '> ' }
  if (line === '>' && inQuote) return { kind: 'quote', mark: '>' }
  const [mark] = ITEM.exec(line) ?? []
  if (mark === undefined) return { kind: 'lines', mark: '' }
  return { kind: mark.startsWith('-') ? 'bullets' : 'numbers', mark }
}

const FENCE = '```'

/** For each line the next one, itself or later, that ends with a fence; -1 where there is none. */
function closingFences(lines: readonly string[]): number[] {
  const closing = new Array<number>(lines.length)
  let next = -1
  for (let n = lines.length - 1; n >= 0; n--) {
    if (lines[n]!.trimEnd().endsWith(FENCE)) next = n
    closing[n] = next
  }
  return closing
}

/** A word after the opening fence names a language. */
const LANGUAGE = /^[\w+#.-]*\s*$/

function codeFrom(lines: readonly string[], n: number, atOrAfter: number): { block: Block; next: number } | undefined {
  const line = lines[n]!
  const own = line.trimEnd()
  const oneLine = own.length > 2 * FENCE.length && own.endsWith(FENCE)
  // One that opens is not the one that closes.
  const last = oneLine ? n : atOrAfter === n ? nextClosing(lines, n) : atOrAfter
  if (last < 0) return undefined
  const source = lines.slice(n, last + 1).join('\n')
  const named = !oneLine && LANGUAGE.test(line.slice(FENCE.length))
  const open = named ? source.slice(0, line.length + 1) : FENCE
  const end = source.trimEnd().length - FENCE.length
  const from = open.length
  const to = source[end - 1] === '\n' && end > from ? end - 1 : end
  const text = source.slice(from, to)
  if (text.trim() === '') return undefined
  return { block: { kind: 'code', open, text, close: source.slice(to) }, next: last + 1 }
}

/** A line that is only a fence opens here; the one that closes is looked for right behind it. */
function nextClosing(lines: readonly string[], n: number): number {
  for (let at = n + 1; at < lines.length; at++) if (lines[at]!.trimEnd().endsWith(FENCE)) return at
  return -1
}

/** What is being read: the parts within a mark that may turn out to be one. */
interface Frame {
  mark: Mark | ''
  parts: Part[]
}

const KINDS = { '**': 'bold', __: 'bold', '*': 'italic', _: 'italic', '~~': 'strike' } as const satisfies Record<
  Mark,
  string
>

function partsOf(line: string, linksIn: LinksIn): Part[] {
  if (line === '') return []
  const links = linksIn(line)
  const ticks = backTicks(line)
  // One mark is open only once, so that this never gets deeper than there are marks.
  const frames: Frame[] = [{ mark: '', parts: [] }]
  let link = 0
  let plainFrom = 0
  let at = 0

  const flush = (to: number): void => {
    if (to > plainFrom) pushText(frames.at(-1)!.parts, line.slice(plainFrom, to))
  }

  while (at < line.length) {
    while (link < links.length && links[link]!.from < at) link++
    const here = links[link]
    if (here?.from === at) {
      flush(at)
      frames.at(-1)!.parts.push({ kind: 'link', text: line.slice(at, here.to), href: here.href })
      plainFrom = at = here.to
      continue
    }
    const sign = line[at]!
    if (sign === '\\' && isSign(line[at + 1])) {
      at += 2
      continue
    }
    if (!isSign(sign)) {
      at++
      continue
    }
    const length = runLength(line, at)
    if (sign === '`') {
      const close = ticks.get(at)
      const text = close === undefined ? '' : line.slice(at + length, close)
      if (close !== undefined && text.trim() !== '') {
        flush(at)
        frames.at(-1)!.parts.push({ kind: 'code', text, mark: line.slice(at, at + length) })
        plainFrom = at = close + length
      } else at += length
      continue
    }
    const marks = marksOf(sign, length)
    if (marks.length > 0) {
      flush(at)
      const used = readMarks(frames, marks, charBefore(line, at), charAt(line, at + length))
      plainFrom = at + used
    }
    at += length
  }
  flush(line.length)
  while (frames.length > 1) dissolve(frames)
  return frames[0]!.parts
}

/** Closes and opens what a run of signs closes and opens; gives how many of its characters were marks. */
function readMarks(frames: Frame[], marks: readonly Mark[], before: string, after: string): number {
  let left = [...marks]
  let used = 0
  const mayClose = before !== '' && !isSpace(before) && !isWord(after)
  while (mayClose && left.length > 0) {
    const open = frames.findLast(({ mark }) => mark !== '' && left.includes(mark))
    // With nothing between two marks there is nothing that they could mark.
    if (!open || open.mark === '' || (open === frames.at(-1) && open.parts.length === 0)) break
    while (frames.at(-1) !== open) dissolve(frames)
    const { mark, parts } = open
    frames.pop()
    frames.at(-1)!.parts.push({ kind: KINDS[mark], mark, parts })
    left = left.filter((each) => each !== mark)
    used += mark.length
  }
  const mayOpen = used === 0 && after !== '' && !isSpace(after) && !isWord(before)
  if (!mayOpen || marks.some((mark) => frames.some((frame) => frame.mark === mark))) return used
  for (const mark of marks) frames.push({ mark, parts: [] })
  return marks.reduce((sum, mark) => sum + mark.length, 0)
}

/** What was opened last is not closed: its mark is text. */
function dissolve(frames: Frame[]): void {
  const { mark, parts } = frames.pop()!
  const into = frames.at(-1)!.parts
  pushText(into, mark)
  for (const part of parts) {
    if (part.kind === 'text') pushText(into, part.text)
    else into.push(part)
  }
}

function pushText(parts: Part[], text: string): void {
  const last = parts.at(-1)
  if (last?.kind === 'text') last.text += text
  else parts.push({ kind: 'text', text })
}

/** For each run of back-ticks where the next one of the same length is. */
function backTicks(line: string): Map<number, number> {
  const runs: { at: number; length: number }[] = []
  for (let at = line.indexOf('`'); at >= 0; ) {
    const length = runLength(line, at)
    runs.push({ at, length })
    at = line.indexOf('`', at + length)
  }
  const next = new Map<number, number>()
  const seen = new Map<number, number>()
  for (const { at, length } of runs.reverse()) {
    const close = seen.get(length)
    if (close !== undefined) next.set(at, close)
    seen.set(length, at)
  }
  return next
}

function marksOf(sign: string, length: number): readonly Mark[] {
  if (sign === '~') return length === 2 ? ['~~'] : []
  if (length > 3) return []
  const [one, two] = sign === '*' ? (['*', '**'] as const) : (['_', '__'] as const)
  return length === 1 ? [one] : length === 2 ? [two] : [two, one]
}

const isSign = (char: string | undefined): boolean => char === '*' || char === '_' || char === '~' || char === '`'

function runLength(line: string, from: number): number {
  let to = from + 1
  while (line[to] === line[from]) to++
  return to - from
}

const charAt = (line: string, at: number): string =>
  at < line.length ? String.fromCodePoint(line.codePointAt(at)!) : ''

function charBefore(line: string, at: number): string {
  if (at === 0) return ''
  const unit = line.charCodeAt(at - 1)
  return line.slice(at - (unit >= 0xdc00 && unit <= 0xdfff ? 2 : 1), at)
}

const isSpace = (char: string): boolean => /\s/u.test(char)

/** Scripts that put no space between words: in them a mark, or the end of a name, may stand anywhere. */
export const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

/** A mark stands at the edge of a word, and never within one, as in `snake_case_name` or `2*3*4`. */
const isWord = (char: string): boolean => /[\p{L}\p{M}\p{N}]/u.test(char) && !UNSPACED.test(char)
