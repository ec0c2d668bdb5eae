import { type Block, type Part, parseMarkup } from '@parley/protocol/markup'
import { Fragment, type ReactNode, useMemo, useState } from 'react'
import { beginning, isOnlyEmoji } from '../state/length.ts'
import { linksIn, realHost } from '../state/links.ts'
import { type NamesShown, withNames } from '../state/naming.ts'
import { strings } from '../strings.ts'
import { useChat } from './chat-context.ts'
import styles from './message-text.module.css'

/** What a message says, in the form that its marks give it. Nothing in it is ever markup of the page. */
export function MessageText({ text, ...names }: { text: string } & NamesShown) {
  const [whole, setWhole] = useState(false)
  const short = useMemo(() => beginning(text), [text])
  const shown = short === undefined || whole ? text : short
  const blocks = useMemo(() => parseMarkup(shown, linksIn), [shown])
  return (
    <div className={styles.text} dir="auto" data-large={isOnlyEmoji(text) || undefined}>
      {blocks.map((block, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks have no other name, and hold no state.
        <BlockOf key={i} block={block} names={names} />
      ))}
      {short !== undefined && (
        <>
          {!whole && '… '}
          <button type="button" className={styles.more} aria-expanded={whole} onClick={() => setWhole(!whole)}>
            {whole ? strings.message.less : strings.message.more}
          </button>
        </>
      )}
    </div>
  )
}

function BlockOf({ block, names }: { block: Block; names: NamesShown }) {
  if (block.kind === 'code')
    return (
      <pre className={styles.block} dir="ltr">
        <code>{block.text}</code>
      </pre>
    )
  if (block.kind === 'bullets' || block.kind === 'numbers') return <List block={block} names={names} />
  const lines = block.lines.map((line, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and hold no state.
    <Fragment key={i}>
      {i > 0 && '\n'}
      <Parts parts={line} names={names} />
    </Fragment>
  ))
  return block.kind === 'quote' ? (
    <blockquote className={styles.quote}>{lines}</blockquote>
  ) : (
    <p className={styles.lines}>{lines}</p>
  )
}

/** Numbers are shown as they are written. */
function List({
  block,
  names,
}: {
  block: Extract<Block, { kind: 'quote' | 'bullets' | 'numbers' }>
  names: NamesShown
}) {
  const items = block.lines.map((line, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: items have no other name, and hold no state.
    <li key={i} value={block.kind === 'numbers' ? Number.parseInt(block.marks[i]!, 10) : undefined}>
      <Parts parts={line} names={names} />
    </li>
  ))
  // As wide as the longest mark, so that lines which go on stand below their beginning.
  const paddingInlineStart = `${Math.max(...block.marks.map(({ length }) => length))}ch`
  const shape = { className: styles.list, style: { paddingInlineStart } }
  return block.kind === 'numbers' ? <ol {...shape}>{items}</ol> : <ul {...shape}>{items}</ul>
}

function Parts({ parts, names }: { parts: readonly Part[]; names: NamesShown }): ReactNode {
  return parts.map((part, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other name, and hold no state.
    <PartOf key={i} part={part} names={names} />
  ))
}

function PartOf({ part, names }: { part: Part; names: NamesShown }) {
  switch (part.kind) {
    case 'text':
      return <Plain text={part.text} names={names} />
    case 'code':
      return (
        <code className={styles.code} dir="ltr">
          {part.text}
        </code>
      )
    case 'link':
      return <Link text={part.text} href={part.href} />
    case 'bold':
      return (
        <strong>
          <Parts parts={part.parts} names={names} />
        </strong>
      )
    case 'italic':
      return (
        <em>
          <Parts parts={part.parts} names={names} />
        </em>
      )
    case 'strike':
      return (
        <s>
          <Parts parts={part.parts} names={names} />
        </s>
      )
    default:
      return part satisfies never
  }
}

function Plain({ text, names }: { text: string; names: NamesShown }) {
  const { nameOf, meId } = useChat()
  return withNames(text, names, nameOf, meId).map(({ text, named }, i) =>
    named ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: stretches have no other name, and hold no state.
      <bdi key={i} className={styles.name} data-me={named === 'me' || undefined}>
        {text}
      </bdi>
    ) : (
      text
    ),
  )
}

/** Opens on a page of its own, which is told nothing of where one comes from. */
function Link({ text, href }: { text: string; href: string }) {
  const host = realHost(href)
  return (
    <>
      <a className={styles.link} href={href} target="_blank" rel="noopener noreferrer nofollow">
        <bdi>{text}</bdi>
      </a>
      {host && (
        <bdi className={styles.host} title={strings.message.realHost}>
          {' '}
          ({host})
        </bdi>
      )}
    </>
  )
}
