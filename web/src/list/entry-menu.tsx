import { Menu } from '@base-ui/react/menu'
import { isArchived, isMuted, type Level } from '@parley/protocol/settings'
import type { ConversationView } from '@parley/sdk/types'
import { useState } from 'react'
import { useApp, useTitles } from '../app-context.tsx'
import { Icon } from '../parts/icon.tsx'
import menu from '../parts/menu.module.css'
import { MenuItem, MenuLine, MenuPopup } from '../parts/menu.tsx'
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
  const title = useTitles()(conversation)
  const { headSeq, me } = conversation
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
      <MenuPopup align="end">
        <MenuItem icon="pin" label={pinned ? words.unpin : words.pin} onClick={pin} />
        <MenuItem
          icon="archive"
          label={archived ? words.unarchive : words.archive}
          onClick={() => own().archive(!archived)}
        />
        <MenuLine />
        {isMuted(settings, now) ? (
          <MenuItem icon="bell" label={words.unmute} onClick={() => own().unmute()} />
        ) : (
          muteEnds(now).map(({ label, until }) => (
            <MenuItem key={label} icon="muted" label={label} onClick={() => own().mute(until)} />
          ))
        )}
        <MenuLine />
        <Menu.RadioGroup value={settings.level} onValueChange={(level) => own().setLevel(level as Level)}>
          <Menu.GroupLabel className={menu.label}>{words.level}</Menu.GroupLabel>
          {LEVELS.map((level) => (
            <Menu.RadioItem key={level} value={level} className={menu.item} closeOnClick>
              <span className={menu.check}>
                <Menu.RadioItemIndicator>
                  <Icon name="check" size={18} />
                </Menu.RadioItemIndicator>
              </span>
              {words.levels[level]}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </MenuPopup>
      {problem && (
        <Modal title={words.pin} onClose={() => setProblem(undefined)}>
          <Problem>{problem}</Problem>
        </Modal>
      )}
    </Menu.Root>
  )
}
