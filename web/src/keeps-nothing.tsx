import { useState } from 'react'
import { useApp, useReadable } from './app-context.tsx'
import styles from './keeps-nothing.module.css'
import { IconButton } from './parts/button.tsx'
import { strings } from './strings.ts'

/** Says where nothing is kept on this device that all is well until the page is closed; one press puts it away. */
export function KeepsNothing({ boxed = false }: { boxed?: boolean }) {
  const lasting = useReadable(useApp().lasting)
  const [away, setAway] = useState(false)
  const words = strings.keepsNothing
  return (
    <div role="status">
      {!lasting && !away && (
        <div className={boxed ? styles.box : styles.bar}>
          <p className={styles.text}>
            <strong>{words.title}</strong> {words.hint}
          </p>
          <IconButton icon="close" label={words.dismiss} onClick={() => setAway(true)} />
        </div>
      )}
    </div>
  )
}
