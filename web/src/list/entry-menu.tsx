import { Menu } from '@base-ui/react/menu'
import { isArchived, isMuted, type Level } from '@parley/protocol/settings'
import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Icon } from '../parts/icon.tsx'
import { Modal } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { muteEnds } from '../state/mute.ts'
import { explain } from '../state/problems.ts'
import { strings } from '../strings.ts'
import styles from './entry-menu.module.css'

const LEVELS: readonly Level[] = ['all', 'mentions', 'none']

/** What one can set of a conversation for oneself: pinned, muted, archived, what to be told of. */
export function EntryMenu({ conversation }: { conversation: ConversationView }) {
  const { client } = useApp()
  const [problem, setProblem] = useState<string>()
  const { title, headSeq, me } = conversation
  const { settings } = me
  const own = () => client.conversation(conversation.id)
  const now = new Date()
  const archived = isArchived(settings, headSeq, now)
  const pinned = settings.pinned !== null
  const words = strings.settings
  const pin = () => {
    try {
      own().pin(!pinned)
    } catch (error) {
      setProblem(explain(error))
    }
  }
  return (
    <Menu.Root>
      <Menu.Trigger className={styles.open} aria-label={words.of(title)} title={words.of(title)}>
        <Icon name="more" size={18} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className={styles.place} align="end" sideOffset={2}>
          <Menu.Popup className={styles.menu}>
            <Menu.Item className={styles.item} onClick={pin}>
              <Icon name="pin" size={18} /> {pinned ? words.unpin : words.pin}
            </Menu.Item>
            <Menu.Item className={styles.item} onClick={() => own().archive(!archived)}>
              <Icon name="archive" size={18} /> {archived ? words.unarchive : words.archive}
            </Menu.Item>
            <Menu.Separator className={styles.line} />
            {isMuted(settings, now) ? (
              <Menu.Item className={styles.item} onClick={() => own().unmute()}>
                <Icon name="bell" size={18} /> {words.unmute}
              </Menu.Item>
            ) : (
              muteEnds(now).map(({ label, until }) => (
                <Menu.Item key={label} className={styles.item} onClick={() => own().mute(until)}>
                  <Icon name="muted" size={18} /> {label}
                </Menu.Item>
              ))
            )}
            <Menu.Separator className={styles.line} />
            <Menu.RadioGroup value={settings.level} onValueChange={(level) => own().setLevel(level as Level)}>
              <Menu.GroupLabel className={styles.label}>{words.level}</Menu.GroupLabel>
              {LEVELS.map((level) => (
                <Menu.RadioItem key={level} value={level} className={styles.item} closeOnClick>
                  <span className={styles.check}>
                    <Menu.RadioItemIndicator>
                      <Icon name="check" size={18} />
                    </Menu.RadioItemIndicator>
                  </span>
                  {words.levels[level]}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
      {problem && (
        <Modal title={words.pin} onClose={() => setProblem(undefined)}>
          <Problem>{problem}</Problem>
        </Modal>
      )}
    </Menu.Root>
  )
}
