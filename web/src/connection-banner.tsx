import { useApp, useReadable } from './app-context.tsx'
import styles from './connection-banner.module.css'
import { banner } from './state/banner.ts'

/** Says when the server is not there, and that nothing is lost by it. A short reconnect passes unseen. */
export function ConnectionBanner() {
  const { client } = useApp()
  const connection = useReadable(client.connection)
  const waiting = useReadable(client.outbox).filter((item) => !item.refused).length
  const text = banner(connection, waiting)
  return (
    <div className={styles.place} role="status" data-connection={connection}>
      {text && (
        <p className={styles.banner} data-state={connection}>
          {text}
        </p>
      )}
    </div>
  )
}
