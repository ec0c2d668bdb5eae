import { Menu } from '@base-ui/react/menu'
import { useState } from 'react'
import { useMe } from '../app-context.tsx'
import { Devices } from '../dialogs/devices.tsx'
import { SignOut } from '../dialogs/sign-out.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Icon } from '../parts/icon.tsx'
import { strings } from '../strings.ts'
import styles from './account-menu.module.css'

/** Who one is, and what belongs to the account. */
export function AccountMenu() {
  const me = useMe()
  const [dialog, setDialog] = useState<'devices' | 'sign-out'>()
  const close = () => setDialog(undefined)
  return (
    <>
      <Menu.Root modal={false}>
        <Menu.Trigger className={styles.trigger}>
          <Avatar id={me.id} name={me.username} size="small" />
          <span className="visually-hidden">{strings.account.menu}</span>
          <bdi className={styles.name}>{me.username}</bdi>
          <Icon name="down" size={16} />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner className={styles.positioner} align="start" sideOffset={4}>
            <Menu.Popup className={styles.popup}>
              <Menu.Item className={styles.item} onClick={() => setDialog('devices')}>
                <Icon name="device" size={18} /> {strings.account.devices}
              </Menu.Item>
              <Menu.Item className={styles.item} onClick={() => setDialog('sign-out')}>
                <Icon name="leave" size={18} /> {strings.account.logout}
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {dialog === 'devices' && <Devices onClose={close} />}
      {dialog === 'sign-out' && <SignOut onClose={close} />}
    </>
  )
}
