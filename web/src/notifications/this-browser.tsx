import type { PushHere } from '@parley/sdk/types'
import { useApp, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { useNotices } from './context.ts'
import styles from './notifications.module.css'
import type { Permission } from './permission.ts'
import { useTurnOn } from './use-turn-on.ts'

/** Whether this browser is notified while the page is closed, and if it cannot be, why. */
export function ThisBrowser() {
  const { client } = useApp()
  const here = useReadable(client.notifications.here)
  const allowed = useReadable(useNotices().permission)
  const turningOn = useTurnOn()
  const turningOff = useAction()
  const words = strings.notifications
  const on = here.state === 'on' || here.state === 'waiting'
  const possible = allowed === 'default' || allowed === 'granted'
  const error = turningOff.error ?? (possible ? turningOn.error : undefined)
  return (
    <>
      <p role="status">{stateText(here, allowed)}</p>
      {on ? (
        <Button busy={turningOff.busy} onClick={() => turningOff.run(() => client.notifications.turnOff())}>
          {words.turnOff}
        </Button>
      ) : (
        possible &&
        here.state === 'off' && (
          <Button look="main" busy={turningOn.busy} onClick={turningOn.turnOn}>
            {words.turnOn}
          </Button>
        )
      )}
      {error && <Problem>{error}</Problem>}
      <p className={styles.hint}>{words.each}</p>
    </>
  )
}

function stateText({ state }: PushHere, allowed: Permission): string {
  const words = strings.notifications
  if (allowed === 'insecure') return words.insecure
  if (allowed === 'unsupported' || state === 'none') return words.unsupported
  if (allowed === 'denied') return words.denied
  switch (state) {
    case 'on':
      return words.hereOn
    case 'off':
      return words.hereOff
    case 'waiting':
      return words.hereWaiting
    default:
      return state satisfies never
  }
}
