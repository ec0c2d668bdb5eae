import { useEffect, useRef, useState } from 'react'
import { useApp, useMe } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { gather, save } from '../state/download.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'

/** Gathers everything that the server has of one, and gives it to the browser as a file. Closing gives it up. */
export function ExportData({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const me = useMe()
  const [bytes, setBytes] = useState(0)
  const [done, setDone] = useState(false)
  const stopped = useRef(new AbortController())
  useEffect(() => {
    const own = new AbortController()
    stopped.current = own
    return () => own.abort()
  }, [])
  const action = useAction()
  const start = () =>
    action.run(async () => {
      const { signal } = stopped.current
      const file = await gather(client.exportData(), signal, setBytes)
      if (!file) return
      save(file, `parley-${me.username}-${new Date().toISOString().slice(0, 10)}.ndjson`)
      setDone(true)
    })
  return (
    <Modal title={strings.exportData.title} onClose={onClose}>
      <p>{strings.exportData.intro}</p>
      {action.error && <Problem>{action.error}</Problem>}
      <p role="status">
        {done ? strings.exportData.done(bytes) : action.busy ? strings.exportData.busy(bytes) : undefined}
      </p>
      <ModalActions>
        <Button onClick={onClose}>{done ? strings.close : strings.cancel}</Button>
        {!done && (
          <Button look="main" busy={action.busy} onClick={start}>
            {strings.exportData.start}
          </Button>
        )}
      </ModalActions>
    </Modal>
  )
}
