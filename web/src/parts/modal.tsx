import { Dialog } from '@base-ui/react/dialog'
import { type ReactNode, useRef } from 'react'
import { strings } from '../strings.ts'
import { IconButton } from './button.tsx'
import styles from './modal.module.css'

/** A dialog over the page: takes the focus, to its first field if it has one, keeps it, and gives it back; Escape and a press outside close it. */
export function Modal({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const body = useRef<HTMLDivElement>(null)
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup
          className={styles.popup}
          initialFocus={() => body.current?.querySelector<HTMLElement>('input, textarea') ?? true}
        >
          <header className={styles.header}>
            <Dialog.Title className={styles.title}>{title}</Dialog.Title>
            <IconButton icon="close" label={strings.close} onClick={onClose} />
          </header>
          <div ref={body} className={styles.body}>
            {children}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** The row of buttons at the end of a dialog. */
export function ModalActions({ children }: { children: ReactNode }) {
  return <div className={styles.actions}>{children}</div>
}
