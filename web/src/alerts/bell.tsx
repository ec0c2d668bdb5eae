import { useEffect, useState } from 'react'
import { useApp, useReadable } from '../app-context.tsx'
import { Contacts } from '../dialogs/contacts.tsx'
import { Devices } from '../dialogs/devices.tsx'
import { Icon } from '../parts/icon.tsx'
import { strings } from '../strings.ts'
import styles from './alerts.module.css'
import { AlertPanel } from './panel.tsx'
import { useSentence } from './use-sentence.ts'

/** A screen reader has it by then. */
const SAID_MS = 3_000

/** The bell: how many alerts are unread, and the way to them. New ones are read out. */
export function Bell() {
  const { client } = useApp()
  const { unread } = useReadable(client.alerts)
  const [open, setOpen] = useState<'panel' | 'contacts' | 'devices'>()
  const close = () => setOpen(undefined)
  useEffect(() => {
    client.alerts.load().catch(() => undefined) // The next connection reads them.
  }, [client])
  const label = strings.alerts.bell(unread)
  return (
    <>
      <button
        type="button"
        className={styles.bell}
        aria-haspopup="dialog"
        aria-label={label}
        title={label}
        onClick={() => setOpen('panel')}
      >
        <Icon name="bell" />
        {unread > 0 && <span className={styles.badge}>{strings.alerts.count(unread)}</span>}
      </button>
      <Said />
      {open === 'panel' && <AlertPanel onClose={close} onPlace={setOpen} />}
      {open === 'contacts' && <Contacts onClose={close} />}
      {open === 'devices' && <Devices onClose={close} />}
    </>
  )
}

/** The live region of alerts. */
function Said() {
  const { client } = useApp()
  const [text, setText] = useState('')
  const sentence = useSentence()
  useEffect(() => {
    let said: ReturnType<typeof setTimeout> | undefined
    const stop = client.on('alert', (alert) => {
      setText(sentence(alert))
      clearTimeout(said)
      said = setTimeout(() => setText(''), SAID_MS)
    })
    return () => {
      stop()
      clearTimeout(said)
    }
  }, [client, sentence])
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
