import type { ConversationView } from '@parley/sdk/types'
import { useEffect, useMemo, useState } from 'react'
import { Link } from 'wouter'
import { useApp, useMe, useReadable, useShownMembers } from '../app-context.tsx'
import { Forward } from '../dialogs/forward.tsx'
import { Button } from '../parts/button.tsx'
import { Loading, Notice } from '../parts/notice.tsx'
import { openPane } from '../state/pane.ts'
import { otherIsGone } from '../state/people.ts'
import { messageRights } from '../state/rights.ts'
import type { Row } from '../state/rows.ts'
import { typingLine } from '../state/typing.ts'
import { strings } from '../strings.ts'
import styles from './chat.module.css'
import { Composer } from './composer.tsx'
import { ChatHeader } from './header.tsx'
import { HiddenNow } from './hidden-now.tsx'
import { Messages } from './messages.tsx'

/** The conversation of an address, once it is known; says so when there is none. */
export function ChatOf({ id }: { id: string }) {
  const { client, listed } = useApp()
  const known = useReadable(listed)
  const conversation = useReadable(client.conversations).find((one) => one.id === id)
  if (conversation) return <Chat conversation={conversation} />
  if (!known) return <Loading label={strings.loading} />
  return (
    <Notice title={strings.chat.missing} hint={strings.chat.missingHint}>
      <Link href="/">{strings.chat.back}</Link>
    </Notice>
  )
}

function Chat({ conversation }: { conversation: ConversationView }) {
  const { client, wanted } = useApp()
  const me = useMe()
  const shown = useShownMembers(conversation.members)
  const pane = useMemo(() => openPane(client, conversation.id, me), [client, conversation.id, me])
  useEffect(() => {
    void pane.open()
    return pane.close
  }, [pane])
  const view = useReadable(pane)
  const message = useReadable(wanted)
  useEffect(() => {
    if (message?.conversationId !== conversation.id) return
    wanted.set(undefined)
    void pane.jump({ seq: message.seq })
  }, [pane, message, wanted, conversation.id])
  const [editId, setEditId] = useState<string>()
  const editable = (row: Row) => messageRights(conversation, row)?.edit === true
  // One that is deleted meanwhile is edited no more.
  const edited = view.rows.find((row) => row.id === editId && editable(row))
  const [reply, setReply] = useState<Row>()
  const [forward, setForward] = useState<Row>()
  // As it is now; one that is deleted meanwhile is answered no more.
  const answered = view.rows.find(({ id }) => id === reply?.id) ?? reply
  return (
    <>
      {forward && <Forward text={forward.text} onClose={() => setForward(undefined)} />}
      <ChatHeader conversation={conversation} onDate={(at) => void pane.jump({ at })} />
      {view.phase === 'loading' && view.rows.length === 0 ? (
        <div className={styles.fill}>
          <Loading label={strings.loading} />
        </div>
      ) : view.phase === 'failed' && view.rows.length === 0 ? (
        <div className={styles.fill}>
          <Notice title={strings.chat.failed}>
            <Button onClick={() => void pane.open()}>{strings.retry}</Button>
          </Notice>
        </div>
      ) : (
        <Messages
          pane={pane}
          view={view}
          conversation={conversation}
          onEdit={({ id }) => setEditId(id)}
          onReply={setReply}
          onForward={setForward}
        />
      )}
      <HiddenNow conversationId={conversation.id} />
      <p className={styles.typing} aria-live="off">
        <bdi>{typingLine(view.typing, shown)}</bdi>
      </p>
      {otherIsGone(conversation, me.id) ? (
        <p className={styles.gone}>{strings.chat.goneHint}</p>
      ) : (
        <Composer
          conversation={conversation}
          send={pane.send}
          edited={edited}
          answered={answered?.deleted ? undefined : answered}
          onAnswerEnd={() => setReply(undefined)}
          onEditLast={() => setEditId(view.rows.findLast(editable)?.id)}
          onEditEnd={() => setEditId(undefined)}
        />
      )}
    </>
  )
}
