import type { ConversationView } from '@parley/sdk/types'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef } from 'react'
import { Link } from 'wouter'
import { useApp, useMe, useNames, useReadable, useTitles } from '../app-context.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { FoundName, Marked } from '../parts/found-name.tsx'
import { Icon } from '../parts/icon.tsx'
import { Problem } from '../parts/notice.tsx'
import { otherOf } from '../state/people.ts'
import { explain } from '../state/problems.ts'
import { openSearchBox, type SearchBox, type SearchView } from '../state/search.ts'
import { snippet } from '../state/snippet.ts'
import { shortTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { useOpenChat } from '../use-open-chat.ts'
import styles from './search.module.css'

/** The one search box: what is typed is looked for among conversations, people and messages. `children` stand there while it is empty. */
export function Search({ children }: { children: ReactNode }) {
  const { client } = useApp()
  const me = useMe()
  const box = useMemo(() => openSearchBox(client, me.id), [client, me.id])
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
  const title = useTitles()(conversation)
  return (
    <li>
      <Link href={`/c/${conversation.id}`} className={styles.result} data-result>
        <Avatar id={other ?? conversation.id} name={conversation.title} size="small" />
        <FoundName username={(other && conversation.title) || title} displayName={title} terms={terms} />
      </Link>
    </li>
  )
}

function People({ view }: { view: SearchView }) {
  const openChat = useOpenChat()
  const action = useAction()
  return (
    <Section title={strings.search.people}>
      {view.people.map(({ id, username, displayName }) => (
        <li key={id}>
          <button type="button" className={styles.result} data-result onClick={() => action.run(() => openChat(id))}>
            <Avatar id={id} name={displayName ?? username} size="small" />
            <FoundName username={username} displayName={displayName} terms={view.terms} />
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

function MessageResult({
  item: { conversationId, message, highlights },
}: {
  item: SearchView['messages']['items'][number]
}) {
  const { client, wanted } = useApp()
  const me = useMe()
  const conversation = useReadable(client.conversations).find(({ id }) => id === conversationId)
  const titles = useTitles()
  const sender = useNames()(message.senderId, message.sender)
  const show = () => wanted.set({ conversationId, seq: message.seq })
  return (
    <li>
      <Link href={`/c/${conversationId}`} className={styles.result} data-result onClick={show}>
        <span className={styles.lines}>
          <span className={styles.line}>
            <bdi className={styles.title}>{conversation ? titles(conversation) : sender}</bdi>
            <time className={styles.time} dateTime={message.createdAt}>
              {shortTime(message.createdAt, new Date())}
            </time>
          </span>
          <span className={styles.text}>
            <bdi className={styles.by}>{message.senderId === me.id ? strings.search.you : sender}</bdi>
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
