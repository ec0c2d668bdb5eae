import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Button } from '../parts/button.tsx'
import modal from '../parts/modal.module.css'
import { ModalActions } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './confirm.module.css'

/** Asks before what cannot be undone. Stays open, and says why, when it fails. */
export function Confirm({
  title,
  text,
  act,
  onAct,
  also,
  onClose,
}: {
  title: string
  text: string
  /** What the button that does it says. */
  act: string
  onAct: () => Promise<void>
  /** Something else that one may do instead. */
  also?: { act: string; onAct: () => Promise<void> }
  onClose: () => void
}) {
  const action = useAction()
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop forceRender className={modal.backdrop} />
        <AlertDialog.Popup className={modal.popup}>
          <div className={styles.body}>
            <AlertDialog.Title className={modal.title}>{title}</AlertDialog.Title>
            <AlertDialog.Description className={styles.text}>{text}</AlertDialog.Description>
            {action.error && <Problem>{action.error}</Problem>}
            <ModalActions>
              <Button onClick={onClose}>{strings.cancel}</Button>
              <Button look="danger" busy={action.busy} onClick={() => action.run(onAct)}>
                {act}
              </Button>
              {also && (
                <Button look="danger" busy={action.busy} onClick={() => action.run(also.onAct)}>
                  {also.act}
                </Button>
              )}
            </ModalActions>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
