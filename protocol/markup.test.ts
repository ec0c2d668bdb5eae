import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Block, type LinksIn, type Part, parseMarkup, plainTexts, withoutMarks } from './markup.ts'

const sourceOf = (blocks: readonly Block[]): string =>
  blocks
    .map((block) =>
      block.kind === 'code'
        ? block.open + block.text + block.close
        : block.lines
            .map((line, n) => ('marks' in block ? block.marks[n]! : '') + line.map(partSource).join(''))
            .join('\n'),
    )
    .join('\n')

function partSource(part: Part): string {
  if (part.kind === 'text' || part.kind === 'link') return part.text
  if (part.kind === 'code') return part.mark + part.text + part.mark
  return part.mark + part.parts.map(partSource).join('') + part.mark
}

/** In short: what is marked how, in angle brackets. */
const short = (text: string, linksIn?: LinksIn): string => {
  const inner = (part: Part): string =>
    part.kind === 'text' ? part.text : `<${part.kind}:${'parts' in part ? part.parts.map(inner).join('') : part.text}>`
  return parseMarkup(text, linksIn)
    .map((block) =>
      block.kind === 'code'
        ? `<block:${block.text}>`
        : `${'marks' in block ? `<${block.kind}>` : ''}${block.lines.map((line) => line.map(inner).join('')).join('\n')}`,
    )
    .join('\n')
}

const signs = fc.constantFrom(
  ...[
    '*',
    '**',
    '***',
    '_',
    '__',
    '~~',
    '~',
    '`',
    '``',
    '```',
    '\n',
    '\n```',
    '> ',
    '>',
    '- ',
    '\n- ',
    '\n1. ',
    '. ',
    '\\',
    ' ',
    '  ',
    '\t',
    '\r',
  ],
)
const words = fc.constantFrom(
  'a',
  'word',
  '漢字',
  'อา',
  '👍',
  '😀',
  '\ud800',
  '\u202e',
  'é',
  '@',
  '@ann',
  '.',
  '!',
  '(',
  '1',
)
const marked = fc.array(fc.oneof(signs, words), { maxLength: 60 }).map((parts) => parts.join(''))
const linksIn: LinksIn = (line) =>
  [...line.matchAll(/word/g)].map(({ index }) => ({ from: index, to: index + 4, href: 'https://example.org' }))

test('every character of a message is in its tree, as text or as a mark', () => {
  const text = fc.oneof(marked, fc.string({ unit: 'binary', maxLength: 200 }))
  fc.assert(
    fc.property(text, fc.boolean(), (source, links) => {
      assert.equal(sourceOf(parseMarkup(source, links ? linksIn : undefined)), source)
    }),
    { numRuns: 5_000 },
  )
})

test('nothing is marked that has nothing in it, and no mark is within another of its own', () => {
  fc.assert(
    fc.property(marked, (source) => {
      const look = (parts: readonly Part[], around: readonly string[]): void => {
        for (const part of parts) {
          if (!('parts' in part)) assert.notEqual(part.text, '')
          else {
            assert.ok(part.parts.length > 0 && !around.includes(part.mark))
            look(part.parts, [...around, part.mark])
          }
        }
      }
      for (const block of parseMarkup(source)) if (block.kind !== 'code') for (const line of block.lines) look(line, [])
    }),
    { numRuns: 5_000 },
  )
})

test('marks are read as people write them', () => {
  for (const [source, wanted] of [
    ['plain', 'plain'],
    ['**bold** and *it* or _it_', '<bold:bold> and <italic:it> or <italic:it>'],
    ['__bold__ ~~gone~~', '<bold:bold> <strike:gone>'],
    ['***both***', '<bold:<italic:both>>'],
    ['**bold *both***', '<bold:bold <italic:both>>'],
    ['*it **both***', '<italic:it <bold:both>>'],
    ['这是**粗体**文字', '这是<bold:粗体>文字'],
    ['(*x*), "_y_"!', '(<italic:x>), "<italic:y>"!'],
    ['snake_case_name and 2*3*4', 'snake_case_name and 2*3*4'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['* not a list * really', '* not a list * really'],
    ['*open', '*open'],
    ['**a *b** c*', '<bold:a *b> c*'],
    ['****', '****'],
    ['****a****', '****a****'],
    ['~a~', '~a~'],
    ['`*code*` *x*', '<code:*code*> <italic:x>'],
    ['``a`b``', '<code:a`b>'],
    ['`open *x*', '`open <italic:x>'],
    ['` `', '` `'],
    ['*a `*` b*', '<italic:a <code:*> b>'],
    ['¯\\_(ツ)_/¯', '¯\\_(ツ)_/¯'],
    ['\\*no\\*', '\\*no\\*'],
    ['> one\n> *two*\nthree', '<quote>one\n<italic:two>\nthree'],
    ['>_< and > less', '>_< and > less'],
    ['- one\n- *two*\nthree', '<bullets>one\n<italic:two>\nthree'],
    ['3. one\n1. two\n- three', '<numbers>one\ntwo\n<bullets>three'],
    ['1. ~~a~~\n\n1. b', '<numbers><strike:a>\n\n<numbers>b'],
    ['-one\n- \n1.2\n01. a\n1) b\n1234567890. c\n – d', '-one\n- \n1.2\n01. a\n1) b\n1234567890. c\n – d'],
    ['> - a\n- > b', '<quote>- a\n<bullets>> b'],
    ['- ```\n```\n- a', '<bullets>```\n```\n<bullets>a'],
    ['```\ncode *x*\n```', '<block:code *x*>'],
    ['```ts\nconst a = 1\n\nb\n```\nafter', '<block:const a = 1\n\nb>\nafter'],
    ['before\n```one line```', 'before\n<block:one line>'],
    ['```not closed\n*x*', '```not closed\n<italic:x>'],
    ['```\n```', '```\n```'],
    ['```\na\nb```', '<block:a\nb>'],
  ] as const)
    assert.equal(short(source), wanted, source)
  assert.equal(short('_a word_b_ word', linksIn), '<italic:a <link:word>_b> <link:word>')
  assert.equal(short('`a word` word', linksIn), '<code:a word> <link:word>')
})

test('without its marks a text is what people read', () => {
  const text = '**Bold** _and_ `code*`\n> quoted\n```js\nx = *1*\n```\n2 * 3 * 4\n- *a*\n2. b'
  assert.equal(withoutMarks(text), 'Bold and code*\nquoted\nx = *1*\n2 * 3 * 4\n- a\n2. b')
  fc.assert(
    fc.property(marked, (source) => {
      // What is left are the characters of the source in their order.
      let at = 0
      for (const char of withoutMarks(source)) at = source.indexOf(char, at) + 1 || assert.fail(`${char} is not there`)
    }),
  )
})

test('names are not looked for in code', () => {
  assert.deepEqual(plainTexts(parseMarkup('@a `@b` *@c*\n> @d\n```\n@e\n```\n- @f\n1. @g')), [
    '@a ',
    ' ',
    '@c',
    '@d',
    '@f',
    '@g',
  ])
})

test('hostile texts of full length are read in next to no time', () => {
  const full = (part: string): string => part.repeat(Math.ceil(10_000 / part.length)).slice(0, 10_000)
  const texts = [
    ...[
      '*',
      '_',
      '~',
      '`',
      '[',
      '**',
      '* ',
      ' *',
      '*a',
      '*a ',
      '*a _',
      '**a *',
      '_a* ',
      '`a',
      '``a`',
      '> ',
      '>',
      '\\*',
    ],
    ...[
      '```\n',
      '```a\n',
      '```\n\n',
      '~~a',
      '***a',
      '*`a` ',
      '(*',
      '*)',
      '漢*',
      '@',
      '@a',
      '\n',
      '- a\n',
      '1. a\n',
      '1',
      '- ',
      '1. a\n- b\n',
    ],
  ].map(full)
  texts.push(Array.from({ length: 140 }, (_, n) => '`'.repeat(n + 1)).join(' '))
  for (const text of texts) parseMarkup(text)
  for (const text of texts) {
    // By this thread's own clock: what the machine does besides is not the parser's.
    const best = Math.min(...Array.from({ length: 5 }, () => timed(() => parseMarkup(text))))
    assert.ok(best < 20, `${JSON.stringify(text.slice(0, 12))}… took ${best.toFixed(1)} ms`)
  }
})

function timed(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}
