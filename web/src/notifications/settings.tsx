import { useEffect } from 'react'
import { useApp, useReadable } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Modal, ModalActions } from '../parts/modal.tsx'
import { Loading, Notice } from '../parts/notice.tsx'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { MailPreferences } from './mail-preferences.tsx'
import { PushDevices } from './push-devices.tsx'
import { PushPreferences } from './push-preferences.tsx'
import { Section } from './section.tsx'
import { SelfTest } from './self-test.tsx'
import { ThisBrowser } from './this-browser.tsx'

/** What one is told of while one is away, and how: a section for each way. */
export function NotificationSettings({ onClose }: { onClose: () => void }) {
  const { client } = useApp()
  const preferences = useReadable(client.notifications.preferences)
  const loading = useAction()
  const { run } = loading
  const load = () => run(async () => void (await client.notifications.preferences.load()))
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens.
  useEffect(load, [])
  const words = strings.notifications
  return (
    <Modal title={words.title} onClose={onClose}>
      <Section title={words.here}>
        <ThisBrowser />
      </Section>
      {preferences ? (
        <>
          <Section title={words.all}>
            <PushPreferences preferences={preferences} />
          </Section>
          <Section title={words.mail}>
            <MailPreferences preferences={preferences} />
          </Section>
        </>
      ) : loading.error ? (
        <Notice title={loading.error}>
          <Button onClick={load}>{strings.retry}</Button>
        </Notice>
      ) : (
        <Loading label={strings.loading} />
      )}
      <Section title={words.devices}>
        <PushDevices />
      </Section>
      <Section title={words.test}>
        <SelfTest />
      </Section>
      <ModalActions>
        <Button onClick={onClose}>{strings.close}</Button>
      </ModalActions>
    </Modal>
  )
}
