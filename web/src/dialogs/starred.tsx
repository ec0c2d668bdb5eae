import type { StarredPage } from '@parley/protocol/conversation'
import { useCallback, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { useApp, useNames, useReadable, useTitles } from '../app-context.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { ListedMessage, MessageList } from '../parts/listed-message.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'

/** Everything that one has starred, in all conversations, the latest first. */
export function Starred({ onClose }: { onClose: () => void }) {
  const { client, wanted } = useApp()
  const [, navigate] = useLocation()
  const conversations = useReadable(client.conversations)
  const names = useNames()
  const titles = useTitles()
  const [page, setPage] = useState<StarredPage>()
  const loading = useAction()
  const { run } = loading
  const load = useCallback(
    (cursor?: string) =>
      run(async () => {
        const next = await client.starred(cursor)
        setPage((before) => ({ ...next, items: [...(before?.items ?? []), ...next.items] }))
      }),
    [client, run],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens.
  useEffect(load, [])
  const words = strings.starred
  const unstar = ({ conversationId, seq, id }: StarredPage['items'][number]) => {
    client.conversation(conversationId).star([seq], false)
    setPage((before) => before && { ...before, items: before.items.filter((one) => one.id !== id) })
  }
  return (
    <Modal title={words.title} onClose={onClose}>
      {page && (
        <MessageList>
          {page.items.map((message) => {
            const { id, conversationId, seq, senderId, sender, text } = message
            const conversation = conversations.find((one) => one.id === conversationId)
            return (
              <ListedMessage
                key={id}
                message={message}
                title={conversation ? titles(conversation) : ''}
                onOpen={() => {
                  onClose()
                  wanted.set({ conversationId, seq })
                  navigate(`/c/${conversationId}`)
                }}
              >
                <IconButton
                  icon="close"
                  label={words.remove(names(senderId, sender), text)}
                  onClick={() => unstar(message)}
                />
              </ListedMessage>
            )
          })}
        </MessageList>
      )}
      {page && page.items.length === 0 && !page.nextCursor && <Notice title={words.empty} hint={words.emptyHint} />}
      {loading.error && <Problem>{loading.error}</Problem>}
      {loading.busy && <Loading label={strings.loading} />}
      {page?.nextCursor && !loading.busy && <Button onClick={() => load(page.nextCursor)}>{strings.more}</Button>}
    </Modal>
  )
}
