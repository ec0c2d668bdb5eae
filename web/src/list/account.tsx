import { useState } from 'react'
import { useMe, useNames } from '../app-context.tsx'
import { ChangeEmail } from '../dialogs/change-email.tsx'
import { ChangePassword } from '../dialogs/change-password.tsx'
import { Contacts } from '../dialogs/contacts.tsx'
import { DeleteAccount } from '../dialogs/delete-account.tsx'
import { Devices } from '../dialogs/devices.tsx'
import { ExportData } from '../dialogs/export-data.tsx'
import { OwnProfileDialog } from '../dialogs/own-profile.tsx'
import { Privacy } from '../dialogs/privacy.tsx'
import { SignOut } from '../dialogs/sign-out.tsx'
import { Starred } from '../dialogs/starred.tsx'
import { NotificationSettings } from '../notifications/settings.tsx'
import { Avatar } from '../parts/avatar.tsx'
import { Button } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Modal } from '../parts/modal.tsx'
import { PersonName } from '../parts/person-name.tsx'
import { strings } from '../strings.ts'
import styles from './account.module.css'

/** Who one is, and what belongs to the account. */
export function Account() {
  const me = useMe()
  const name = useNames()(me.id, me.username)
  const [dialog, setDialog] = useState<
    | 'account'
    | 'profile'
    | 'privacy'
    | 'contacts'
    | 'starred'
    | 'notifications'
    | 'devices'
    | 'password'
    | 'email'
    | 'export'
    | 'delete'
    | 'sign-out'
  >()
  const close = () => setDialog(undefined)
  return (
    <>
      <button type="button" className={styles.open} aria-haspopup="dialog" onClick={() => setDialog('account')}>
        <Avatar id={me.id} name={me.username} size="small" />
        <span className="visually-hidden">{strings.account.open}</span>
        <bdi className={styles.name}>{name}</bdi>
        <Icon name="down" size={16} />
      </button>
      {dialog === 'account' && (
        <Modal title={strings.account.title} onClose={close}>
          <div>
            <p className={styles.name}>
              <PersonName id={me.id} username={me.username} />
            </p>
            <p className={styles.email}>
              <bdi>{me.email}</bdi>
            </p>
          </div>
          <Button onClick={() => setDialog('profile')}>
            <Icon name="person" size={18} /> {strings.account.profile}
          </Button>
          <Button onClick={() => setDialog('privacy')}>
            <Icon name="eye" size={18} /> {strings.account.privacy}
          </Button>
          <Button onClick={() => setDialog('contacts')}>
            <Icon name="group" size={18} /> {strings.account.contacts}
          </Button>
          <Button onClick={() => setDialog('starred')}>
            <Icon name="star" size={18} /> {strings.account.starred}
          </Button>
          <Button onClick={() => setDialog('notifications')}>
            <Icon name="bell" size={18} /> {strings.notifications.open}
          </Button>
          <Button onClick={() => setDialog('devices')}>
            <Icon name="device" size={18} /> {strings.account.devices}
          </Button>
          <Button onClick={() => setDialog('password')}>
            <Icon name="key" size={18} /> {strings.account.password}
          </Button>
          <Button onClick={() => setDialog('email')}>
            <Icon name="mail" size={18} /> {strings.account.email}
          </Button>
          <Button onClick={() => setDialog('export')}>
            <Icon name="archive" size={18} /> {strings.account.export}
          </Button>
          <Button look="danger" onClick={() => setDialog('sign-out')}>
            <Icon name="leave" size={18} /> {strings.account.logout}
          </Button>
          <Button look="danger" onClick={() => setDialog('delete')}>
            <Icon name="trash" size={18} /> {strings.account.delete}
          </Button>
        </Modal>
      )}
      {dialog === 'profile' && <OwnProfileDialog onClose={close} />}
      {dialog === 'privacy' && <Privacy onClose={close} />}
      {dialog === 'contacts' && <Contacts onClose={close} />}
      {dialog === 'starred' && <Starred onClose={close} />}
      {dialog === 'notifications' && <NotificationSettings onClose={close} />}
      {dialog === 'devices' && <Devices onClose={close} />}
      {dialog === 'password' && <ChangePassword onClose={close} />}
      {dialog === 'email' && <ChangeEmail onClose={close} />}
      {dialog === 'export' && <ExportData onClose={close} />}
      {dialog === 'delete' && <DeleteAccount onClose={close} />}
      {dialog === 'sign-out' && <SignOut onClose={close} />}
    </>
  )
}
