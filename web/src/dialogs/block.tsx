import { useApp } from '../app-context.tsx'
import { strings } from '../strings.ts'
import { Confirm } from './confirm.tsx'

/** Asks before one blocks someone, and says what that means. */
export function Block({ userId, name, onClose }: { userId: string; name: string; onClose: () => void }) {
  const { client } = useApp()
  return (
    <Confirm
      title={strings.contacts.blockTitle(name)}
      text={strings.contacts.blockText}
      act={strings.contacts.acts.block}
      onAct={async () => {
        await client.contacts.block(userId)
        onClose()
      }}
      onClose={onClose}
    />
  )
}
