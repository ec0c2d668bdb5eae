import { useApp, useReadable } from '../app-context.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import styles from './ask-bar.module.css'
import { useNotices } from './context.ts'
import { useTurnOn } from './use-turn-on.ts'

/** Offers notifications once one has sent something and could have them here; one press ends it for good in this browser. */
export function AskBar() {
  const { client } = useApp()
  const { permission, mayAsk, dismiss } = useNotices()
  const here = useReadable(client.notifications.here)
  const allowed = useReadable(permission)
  const asks = useReadable(mayAsk)
  const { busy, error, turnOn } = useTurnOn(dismiss)
  const possible = allowed === 'default' || (allowed === 'granted' && here.state === 'off')
  // What went wrong stays to be read, also where the browser then blocks it.
  if (!asks || (!possible && !error)) return null
  const words = strings.notifications
  return (
    <section className={styles.bar} aria-label={words.barRegion}>
      <div className={styles.line}>
        <Icon name="bell" />
        <p className={styles.text}>{words.bar}</p>
        {possible && (
          <Button look="main" busy={busy} onClick={turnOn}>
            {words.turnOn}
          </Button>
        )}
        <IconButton icon="close" label={words.barDismiss} onClick={dismiss} />
      </div>
      {error && <Problem>{error}</Problem>}
    </section>
  )
}
