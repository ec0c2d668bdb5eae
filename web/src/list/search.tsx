import type { ConversationView } from '@parley/sdk/types'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef } from 'react'
import { Link, useLocation } from 'wouter'
import { useApp, useMe, useReadable } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Problem } from '../parts/notice.tsx'
import { otherOf } from '../state/people.ts'
import { explain } from '../state/problems.ts'
import { marksIn, openSearchBox, type SearchBox, type SearchView } from '../state/search.ts'
import { type Piece, snippet } from '../state/snippet.ts'
import { shortTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './search.module.css'

/** The one search box: what is typed is looked for among conversations, people and messages. `children` stand there while it is empty. */
export function Search({ children }: { children: ReactNode }) {
  const { client } = useApp()
  const box = useMemo(() => openSearchBox(client), [client])
  useEffect(() => box.close, [box])
  const view = useReadable(box)
  const input = useRef<HTMLInputElement>(null)
  const root = useRef<HTMLDivElement>(null)
  const hintId = useId()
  const empty = view.q.trim() === ''
  const clear = () => {
    box.type('')
    input.current?.focus()
  }
  /** Up and down go along all that was found, Escape back to the box and then out of it. */
  const pressed = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === 'Escape' && view.q !== '') {
      event.preventDefault()
      clear()
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || empty) return
    const results = [...(root.current?.querySelectorAll<HTMLElement>('[data-result]') ?? [])]
    const at = results.indexOf(document.activeElement as HTMLElement)
    const next = at + step < 0 ? input.current : results[at + step]
    if (!next) return
    event.preventDefault()
    next.focus()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of what has the focus in it.
    <div ref={root} className={styles.search} onKeyDown={pressed}>
      <search className={styles.box}>
        <Icon name="search" size={18} />
        <input
          ref={input}
          type="search"
          aria-label={strings.search.label}
          aria-describedby={hintId}
          placeholder={strings.search.label}
          value={view.q}
          onChange={(event) => box.type(event.target.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        {view.q !== '' && <IconButton icon="close" label={strings.search.clear} onClick={clear} />}
      </search>
      <p id={hintId} className={styles.hint} data-empty={empty || undefined}>
        {strings.search.hint}
      </p>
      {empty ? children : <Results box={box} view={view} />}
    </div>
  )
}

function Results({ box, view }: { box: SearchBox; view: SearchView }) {
  const { conversations, people, messages } = view
  const words = strings.search
  const nothing =
    messages.phase === 'ready' && conversations.length + people.length + messages.items.length === 0 && !messages.more
  return (
    <div className={styles.results}>
      {conversations.length > 0 && (
        <Section title={words.conversations}>
          {conversations.map((one) => (
            <ConversationResult key={one.id} conversation={one} terms={view.terms} />
          ))}
        </Section>
      )}
      {people.length > 0 && <People view={view} />}
      {messages.items.length > 0 && (
        <Section title={words.messages}>
          {messages.items.map((item) => (
            <MessageResult key={`${item.conversationId} ${item.message.seq}`} item={item} />
          ))}
        </Section>
      )}
      {messages.behind && <p className={styles.note}>{words.behind}</p>}
      <p className={styles.note} role="status">
        {messages.phase === 'loading'
          ? words.searching
          : nothing
            ? words.nothing
            : messages.phase === 'ready' && (
                <span className="visually-hidden">{words.counted(messages.items.length)}</span>
              )}
      </p>
      {messages.phase === 'failed' && (
        <div className={styles.note}>
          <Problem>
            {words.failed} {explain(messages.error)}
          </Problem>
          <Button onClick={() => void box.more()}>{strings.retry}</Button>
        </div>
      )}
      {messages.phase === 'ready' && messages.more && (
        <div className={styles.note}>
          <Button onClick={() => void box.more()}>{words.more}</Button>
        </div>
      )}
    </div>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className={styles.section}>
        {title}
      </h2>
      <ul>{children}</ul>
    </section>
  )
}

function ConversationResult({ conversation, terms }: { conversation: ConversationView; terms: readonly string[] }) {
  const other = otherOf(conversation, useMe().id)
  return (
    <li>
      <Link href={`/c/${conversation.id}`} className={styles.result} data-result>
        <Avatar id={other ?? conversation.id} name={conversation.title} size="small" />
        <bdi className={styles.title}>
          <Marked pieces={snippet(conversation.title, marksIn(conversation.title, terms))} />
        </bdi>
      </Link>
    </li>
  )
}

function People({ view }: { view: SearchView }) {
  const { client } = useApp()
  const [, navigate] = useLocation()
  const action = useAction()
  const open = (userId: string) =>
    action.run(async () => {
      const conversation = await client.openDirect(userId)
      navigate(`/c/${conversation.id}`)
    })
  return (
    <Section title={strings.search.people}>
      {view.people.map(({ id, username, displayName: chosen }) => (
        <li key={id}>
          <button type="button" className={styles.result} data-result onClick={() => open(id)}>
            <Avatar id={id} name={chosen ?? username} size="small" />
            <FoundName username={username} chosen={chosen === username ? undefined : chosen} terms={view.terms} />
          </button>
        </li>
      ))}
      {action.error && (
        <li>
          <Problem>{action.error}</Problem>
        </li>
      )}
    </Section>
  )
}

/** What a person is shown as, and beside a name of one's own choice the user name, as `PersonName` has them. */
function FoundName({
  username,
  chosen,
  terms,
}: {
  username: string
  chosen: string | undefined
  terms: readonly string[]
}) {
  const marked = (name: string) => <Marked pieces={snippet(name, marksIn(name, terms))} />
  if (chosen === undefined) return <bdi className={styles.title}>{marked(username)}</bdi>
  return (
    <span className={styles.title}>
      <bdi>{marked(chosen)}</bdi> <bdi className={styles.handle}>@{marked(username)}</bdi>
    </span>
  )
}

function MessageResult({
  item: { conversationId, message, highlights },
}: {
  item: SearchView['messages']['items'][number]
}) {
  const { client, wanted } = useApp()
  const me = useMe()
  const conversation = useReadable(client.conversations).find(({ id }) => id === conversationId)
  const show = () => wanted.set({ conversationId, seq: message.seq })
  return (
    <li>
      <Link href={`/c/${conversationId}`} className={styles.result} data-result onClick={show}>
        <span className={styles.lines}>
          <span className={styles.line}>
            <bdi className={styles.title}>{conversation?.title ?? message.sender}</bdi>
            <time className={styles.time} dateTime={message.createdAt}>
              {shortTime(message.createdAt, new Date())}
            </time>
          </span>
          <span className={styles.text}>
            <bdi className={styles.by}>{message.senderId === me.id ? strings.search.you : message.sender}</bdi>
            {': '}
            <bdi>
              <Marked pieces={snippet(message.text, highlights)} />
            </bdi>
          </span>
        </span>
      </Link>
    </li>
  )
}

function Marked({ pieces }: { pieces: readonly Piece[] }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text stand where they stand.
  return pieces.map(({ text, found }, n) => (found ? <mark key={n}>{text}</mark> : <span key={n}>{text}</span>))
}
