import type { ConversationView } from '@parley/sdk/types'
import { useEffect, useMemo, useState } from 'react'
import { Link } from 'wouter'
import { useApp, useMe, useReadable, useShownMembers } from '../app-context.tsx'
import { Forward } from '../dialogs/forward.tsx'
import { Button } from '../parts/button.tsx'
import { Loading, Notice } from '../parts/notice.tsx'
import { openPane, type PaneView } from '../state/pane.ts'
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
  const { client, wanted, see } = useApp()
  const me = useMe()
  const shown = useShownMembers(conversation.members)
  const pane = useMemo(() => openPane(client, conversation.id, me), [client, conversation.id, me])
  useEffect(() => {
    void pane.open()
    return pane.close
  }, [pane])
  const view = useReadable(pane)
  // Of a direct conversation the list watches the other, once one is told of them.
  const members = conversation.kind === 'group' ? conversation.members : undefined
  useEffect(() => see((members ?? []).map(({ userId }) => userId)), [see, members])
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
  const answer = (seq: number | null) => client.conversation(conversation.id).setAnswer(seq)
  const [forward, setForward] = useState<Row>()
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
          onReply={({ seq }) => seq !== undefined && answer(seq)}
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
          answering={view.answering}
          onAnswerEnd={() => answer(null)}
          onAnswerStep={(step) => answer(answerable(view, step))}
          onEditLast={() => setEditId(view.rows.findLast(editable)?.id)}
          onEditEnd={() => setEditId(undefined)}
        />
      )}
    </>
  )
}

/** The message that one comes to by that step from the one that is being answered; after the last there is none. */
function answerable({ rows, answering }: PaneView, step: -1 | 1): number | null {
  const seqs = rows.flatMap(({ seq, deleted }) => (seq === undefined || deleted ? [] : [seq]))
  const from = answering?.seq ?? Number.POSITIVE_INFINITY
  const next = step < 0 ? seqs.findLast((seq) => seq < from) : seqs.find((seq) => seq > from)
  return next ?? (step < 0 ? (answering?.seq ?? null) : null)
}
