import { useRoute } from 'wouter'
import { useApp, useReadable } from './app-context.tsx'
import { ConfirmEmail } from './entry/confirm-email.tsx'
import { Entry } from './entry/entry.tsx'
import { ResetPassword } from './entry/reset-password.tsx'
import { Home } from './home.tsx'
import { Button } from './parts/button.tsx'
import { Loading, Notice } from './parts/notice.tsx'
import { strings } from './strings.ts'

/** The whole page: starting, signed out, or signed in; or opened by a link in a mail, whoever is signed in. */
export function AppView() {
  const app = useApp()
  const phase = useReadable(app.phase)
  const session = useReadable(app.client.session)
  const [resetting] = useRoute('/password/reset')
  const [confirming] = useRoute('/email/confirm')
  if (resetting) return <ResetPassword />
  if (confirming) return <ConfirmEmail />
  if (session.status === 'signed-in') return <Home />
  if (phase === 'starting') return <Loading label={strings.loading} />
  if (phase === 'failed')
    return (
      <main>
        <Notice title={strings.start.failed} hint={strings.start.failedHint}>
          <Button look="main" onClick={() => void app.start()}>
            {strings.retry}
          </Button>
        </Notice>
      </main>
    )
  return <Entry ended={session.ended} />
}
