import { Dialog } from '@base-ui/react/dialog'
import type { AlertItem } from '@parley/protocol/alert'
import { useLocation } from 'wouter'
import { useApp, useReadable } from '../app-context.tsx'
import { Button, IconButton } from '../parts/button.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { AlertRow } from './alert-row.tsx'
import styles from './alerts.module.css'
import { placeOf } from './words.ts'

/** One's alerts, the latest first: beside the bell, or the whole of a phone. */
export function AlertPanel({
  onClose,
  onPlace,
}: {
  onClose: () => void
  /** An alert leads to another dialog. */
  onPlace: (place: 'contacts' | 'devices') => void
}) {
  const { client, wanted } = useApp()
  const [, navigate] = useLocation()
  const { items, unread, loaded, more } = useReadable(client.alerts)
  const conversations = useReadable(client.conversations)
  const action = useAction()
  const words = strings.alerts
  const now = new Date()

  function open(alert: AlertItem): void {
    const place = placeOf(alert)
    if (!alert.read) client.alerts.markRead([alert.id]).catch(() => undefined) // It stays unread.
    if (typeof place === 'string') onPlace(place)
    else {
      onClose()
      goTo(place)
    }
  }

  function goTo({ conversationId, seq }: { conversationId: string; seq?: number }): void {
    if (!conversations.some(({ id }) => id === conversationId)) return
    if (seq !== undefined) wanted.set({ conversationId, seq })
    navigate(`/c/${conversationId}`)
  }

  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.panel}>
          <header className={styles.header}>
            <Dialog.Title className={styles.title}>{words.title}</Dialog.Title>
            {unread > 0 && (
              <Button look="quiet" busy={action.busy} onClick={() => action.run(() => client.alerts.markRead())}>
                {words.readAll}
              </Button>
            )}
            <IconButton icon="close" label={strings.close} onClick={onClose} />
          </header>
          <div className={styles.body}>
            {action.error && <Problem>{action.error}</Problem>}
            <ul>
              {items.map((alert) => (
                <AlertRow key={alert.id} alert={alert} now={now} onOpen={() => open(alert)} />
              ))}
            </ul>
            {!loaded && <Loading label={strings.loading} />}
            {loaded && items.length === 0 && <Notice title={words.empty} hint={words.emptyHint} />}
            {more && (
              <p className={styles.more}>
                <Button busy={action.busy} onClick={() => action.run(() => client.alerts.loadMore())}>
                  {strings.more}
                </Button>
              </p>
            )}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
