import { useApp, useReadable } from '../app-context.tsx'
import { strings } from '../strings.ts'
import { Confirm } from './confirm.tsx'

/** Signs out, after saying what would be lost by it. */
export function SignOut({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const waiting = useReadable(client.outbox).length
  const { logoutTitle, logoutText, logoutPending, logout } = strings.account
  return (
    <Confirm
      title={logoutTitle}
      text={waiting > 0 ? `${logoutText}\n${logoutPending(waiting)}` : logoutText}
      act={logout}
      onAct={() => client.logout()}
      onClose={onClose}
    />
  )
}
