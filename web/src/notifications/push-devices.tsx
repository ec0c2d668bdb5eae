import type { DeviceItem } from '@parley/protocol/notification'
import { useEffect, useState } from 'react'
import { useApp, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { sentenceTime } from '../state/time.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './notifications.module.css'

/** The browsers and devices that are pushed to, each with a way to end that. */
export function PushDevices() {
  const { client } = useApp()
  const { notifications } = client
  const here = useReadable(notifications.here)
  const [devices, setDevices] = useState<readonly DeviceItem[]>()
  const loading = useAction()
  const removing = useAction()
  const { run } = loading
  const load = () => run(async () => setDevices(await notifications.devices()))
  // biome-ignore lint/correctness/useExhaustiveDependencies: when it opens, and when this browser was registered or is no more.
  useEffect(load, [here])
  const words = strings.notifications
  if (!devices)
    return loading.error ? (
      <Notice title={loading.error}>
        <Button onClick={load}>{strings.retry}</Button>
      </Notice>
    ) : (
      <Loading label={strings.loading} />
    )
  const isHere = ({ id }: DeviceItem) => here.state === 'on' && here.deviceId === id
  const remove = (device: DeviceItem) =>
    removing.run(async () => {
      await (isHere(device) ? notifications.turnOff() : notifications.removeDevice(device.id))
      setDevices(await notifications.devices())
    })
  return (
    <>
      {removing.error && <Problem>{removing.error}</Problem>}
      {devices.length === 0 ? (
        <p className={styles.hint}>{words.devicesNone}</p>
      ) : (
        <>
          <ul className={styles.devices}>
            {devices.map((device) => {
              const name = device.name || words.unnamed
              return (
                <li key={device.id}>
                  <div className={styles.about}>
                    <p className={styles.name}>
                      <bdi>{name}</bdi>
                      {isHere(device) && <span className={styles.current}>{words.current}</span>}
                    </p>
                    <p className={styles.hint}>{words.registered(sentenceTime(device.registeredAt, new Date()))}</p>
                  </div>
                  <Button
                    look="danger"
                    busy={removing.busy}
                    aria-label={words.removeNamed(name)}
                    onClick={() => remove(device)}
                  >
                    {words.remove}
                  </Button>
                </li>
              )
            })}
          </ul>
          <p className={styles.hint}>{words.devicesHint}</p>
        </>
      )}
    </>
  )
}
