import { useApp, useReadable } from '../app-context.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { strings } from '../strings.ts'
import styles from './hidden-now.module.css'

/** What one has just deleted for oneself, and how to have it back. */
export function HiddenNow({ conversationId }: { conversationId: string }) {
  const { client, hidden } = useApp()
  const now = useReadable(hidden)
  if (now?.conversationId !== conversationId) return null
  const undo = () => {
    client.conversation(conversationId).hide([now.seq], false)
    hidden.set(undefined)
  }
  return (
    <div className={styles.bar} role="status">
      <p>{strings.message.hidden}</p>
      <Button look="quiet" onClick={undo}>
        {strings.undo}
      </Button>
      <IconButton icon="close" label={strings.close} onClick={() => hidden.set(undefined)} />
    </div>
  )
}
