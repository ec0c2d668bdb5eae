import type { SessionItem } from '@parley/protocol/user'
import { useCallback, useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { Device } from './device.tsx'
import styles from './devices.module.css'

/** Where one is signed in: name it, or end it. */
export function Devices({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const [sessions, setSessions] = useState<readonly SessionItem[]>()
  const loading = useAction()
  const { run } = loading
  const change = useAction()
  const load = useCallback(() => run(async () => setSessions(await client.sessions())), [client, run])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens.
  useEffect(load, [])
  const doing = (work: () => Promise<void>) =>
    change.run(async () => {
      await work()
      setSessions(await client.sessions())
    })
  return (
    <Modal title={strings.devices.title} onClose={onClose}>
      <p className={styles.intro}>{strings.devices.intro}</p>
      {change.error && <Problem>{change.error}</Problem>}
      {sessions ? (
        <>
          <ul className={styles.devices}>
            {sessions.map((session) => (
              <Device
                key={session.id}
                session={session}
                busy={change.busy}
                onRename={(name) => doing(() => client.renameSession(session.id, name))}
                onEnd={() => doing(() => client.revokeSession(session.id))}
              />
            ))}
          </ul>
          {sessions.length > 1 ? (
            <Button look="danger" busy={change.busy} onClick={() => doing(() => client.revokeOtherSessions())}>
              {strings.devices.endOthers}
            </Button>
          ) : (
            <p className={styles.intro}>{strings.devices.onlyThis}</p>
          )}
        </>
      ) : loading.error ? (
        <Notice title={loading.error}>
          <Button onClick={load}>{strings.retry}</Button>
        </Notice>
      ) : (
        <Loading label={strings.loading} />
      )}
    </Modal>
  )
}
