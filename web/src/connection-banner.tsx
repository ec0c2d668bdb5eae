import { useApp, useReadable } from './app-context.tsx'
import styles from './connection-banner.module.css'
import { banner } from './state/banner.ts'

/** Says when the server is not there, and that nothing is lost by it. */
export function ConnectionBanner() {
  const { client, page } = useApp()
  const connection = useReadable(client.connection)
  const online = useReadable(page.online)
  const waiting = useReadable(client.outbox).filter((item) => !item.refused).length
  const shown = banner(connection, online, waiting)
  return (
    <div role="status" data-connection={connection}>
      {shown && <p className={shown.atOnce ? styles.banner : styles.late}>{shown.text}</p>}
    </div>
  )
}
