import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { Virtualizer } from 'virtua'
import { Bell } from '../alerts/bell.tsx'
import { useApp, useMe, usePresence, useReadable } from '../app-context.tsx'
import { NewChat } from '../dialogs/new-chat.tsx'
import { NewGroup } from '../dialogs/new-group.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Loading, Notice } from '../parts/notice.tsx'
import { shelves } from '../state/shelves.ts'
import { strings } from '../strings.ts'
import { Account } from './account.tsx'
import { ConversationEntry } from './entry.tsx'
import styles from './list.module.css'
import { Search } from './search.tsx'

/** One's conversations, the latest activity first, and the ways to begin another. */
export function ConversationList({
  conversations,
  openId,
}: {
  conversations: readonly ConversationView[]
  openId: string | undefined
}) {
  const { client, listed } = useApp()
  const me = useMe()
  const presence = usePresence()
  const outbox = useReadable(client.outbox)
  const known = useReadable(listed)
  const [dialog, setDialog] = useState<'chat' | 'group'>()
  const close = () => setDialog(undefined)
  const [inArchive, setInArchive] = useState(false)
  const now = new Date()
  const { listed: shown, archived } = shelves(conversations, now)
  const archive = inArchive && archived.length > 0
  return (
    <>
      {archive ? (
        <header className={styles.header}>
          <IconButton icon="back" label={strings.list.archivedBack} autoFocus onClick={() => setInArchive(false)} />
          <h2 className={styles.title}>{strings.list.archived}</h2>
        </header>
      ) : (
        <header className={styles.header}>
          <Account />
          <Bell />
          <IconButton icon="chat" label={strings.list.newChat} onClick={() => setDialog('chat')} />
          <IconButton icon="group" label={strings.list.newGroup} onClick={() => setDialog('group')} />
        </header>
      )}
      <Search>
        {archive && <p className={styles.hint}>{strings.list.archivedHint}</p>}
        {!archive && archived.length > 0 && (
          <button type="button" className={styles.archive} onClick={() => setInArchive(true)}>
            <Icon name="archive" size={18} />
            <span className={styles.title}>{strings.list.archived}</span>
            <span>{strings.list.archivedCount(archived.length)}</span>
          </button>
        )}
        <div className={styles.scroll}>
          {conversations.length > 0 ? (
            <Virtualizer as="ul" item="li" data={archive ? archived : shown} itemSize={68}>
              {(conversation) => (
                <ConversationEntry
                  key={conversation.id}
                  conversation={conversation}
                  open={conversation.id === openId}
                  meId={me.id}
                  presence={presence}
                  outbox={outbox}
                  now={now}
                />
              )}
            </Virtualizer>
          ) : !known ? (
            <Loading label={strings.loading} />
          ) : (
            <Notice title={strings.list.empty} hint={strings.list.emptyHint}>
              <Button look="main" onClick={() => setDialog('chat')}>
                {strings.list.newChat}
              </Button>
              <Button onClick={() => setDialog('group')}>{strings.list.newGroup}</Button>
            </Notice>
          )}
        </div>
      </Search>
      {dialog === 'chat' && <NewChat onClose={close} />}
      {dialog === 'group' && <NewGroup onClose={close} />}
    </>
  )
}
