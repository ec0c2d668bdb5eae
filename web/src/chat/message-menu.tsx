import { Menu } from '@base-ui/react/menu'
import { may as mayDo } from '@parley/protocol/rights'
import type { ConversationView } from '@parley/sdk/types'
import { type KeyboardEvent, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Confirm } from '../dialogs/confirm.tsx'
import { Why } from '../notifications/why.tsx'
import { Icon } from '../parts/icon.tsx'
import { MenuItem, MenuLine, MenuPopup } from '../parts/menu.tsx'
import { Modal } from '../parts/modal.tsx'
import { Problem } from '../parts/notice.tsx'
import { COMMON_EMOJI } from '../state/reactions.ts'
import { messageRights } from '../state/rights.ts'
import type { Row } from '../state/rows.ts'
import { strings } from '../strings.ts'
import { useChat } from './chat-context.ts'
import { EmojiDialog } from './emoji-dialog.tsx'
import styles from './message-menu.module.css'
import type { Point } from './use-long-press.ts'
import { useMessage } from './use-message.ts'

/** So much of a message names its menu. */
const NAME_LENGTH = 40

/** What one can do with a message; nothing is drawn where that is nothing. */
export function MessageMenu({
  row,
  conversation,
  open,
  at,
  onOpen,
  tabIndex,
  onEdit,
}: {
  row: Row
  conversation: ConversationView
  open: boolean
  /** Opens here, and not at its button. */
  at: Point | undefined
  onOpen: (open: boolean) => void
  tabIndex: 0 | -1
  onEdit: () => void
}) {
  const { client, hidden } = useApp()
  const [dialog, setDialog] = useState<'emoji' | 'delete' | 'copy-failed' | 'why'>()
  const { ref, react } = useMessage(conversation.id, row)
  const chat = useChat()
  const may = messageRights(conversation, row)
  if (!may) return null
  const words = strings.message
  const { seq = 0 } = row
  const pinned = conversation.pinned?.includes(seq) ?? false
  const label = words.menu(row.text.length > NAME_LENGTH ? `${row.text.slice(0, NAME_LENGTH)}…` : row.text)
  const close = () => setDialog(undefined)
  return (
    <>
      <Menu.Root open={open} onOpenChange={onOpen}>
        <Menu.Trigger
          className={styles.open}
          data-menu-of={row.id}
          data-mine={row.mine || undefined}
          tabIndex={tabIndex}
          aria-label={label}
        >
          <Icon name="more" size={18} />
        </Menu.Trigger>
        <MenuPopup
          align={row.mine ? 'end' : 'start'}
          anchor={at && { getBoundingClientRect: () => new DOMRect(at.x, at.y) }}
        >
          <Menu.Group className={styles.emoji} aria-label={words.react} onKeyDownCapture={alongTheRow}>
            {COMMON_EMOJI.map((emoji) => (
              <Menu.CheckboxItem
                key={emoji}
                className={styles.one}
                label={emoji}
                aria-label={words.reactWith(emoji)}
                closeOnClick
                checked={row.reactions?.some((one) => one.emoji === emoji && one.mine) ?? false}
                onCheckedChange={(on) => react(emoji, on)}
              >
                {emoji}
              </Menu.CheckboxItem>
            ))}
            <Menu.Item
              className={styles.one}
              label={words.moreEmoji}
              aria-label={words.moreEmoji}
              title={words.moreEmoji}
              onClick={() => setDialog('emoji')}
            >
              <Icon name="plus" />
            </Menu.Item>
          </Menu.Group>
          <MenuLine />
          {may.edit && <MenuItem icon="edit" label={words.edit} onClick={onEdit} />}
          <MenuItem icon="reply" label={words.reply} onClick={() => chat.reply(row)} />
          <MenuItem icon="forward" label={words.forward} onClick={() => chat.forward(row)} />
          <MenuItem
            icon="star"
            label={row.starred ? words.unstar : words.star}
            onClick={() => client.conversation(conversation.id).star([seq], !row.starred)}
          />
          {mayDo(conversation.me.role, conversation.kind, 'message.pin') && (
            <MenuItem
              icon="pin"
              label={pinned ? words.unpin : words.pin}
              onClick={() => void client.pin(conversation.id, seq, !pinned).catch(reportError)}
            />
          )}
          <MenuItem
            icon="copy"
            label={words.copy}
            onClick={() => void copy(row.text).catch(() => setDialog('copy-failed'))}
          />
          {!row.mine && <MenuItem icon="bell" label={strings.notifications.why} onClick={() => setDialog('why')} />}
          <MenuItem icon="trash" label={words.delete} danger onClick={() => setDialog('delete')} />
        </MenuPopup>
      </Menu.Root>
      {dialog === 'emoji' && <EmojiDialog onChoose={(emoji) => react(emoji, true)} onClose={close} />}
      {dialog === 'why' && <Why conversationId={conversation.id} seq={seq} onClose={close} />}
      {dialog === 'delete' && (
        <Confirm
          title={words.deleteTitle}
          text={may.delete ? words.deleteText : words.deleteOwnText}
          act={words.deleteOwnAct}
          onAct={async () => {
            client.conversation(conversation.id).hide([seq])
            hidden.set({ conversationId: conversation.id, seq })
            close()
          }}
          {...(may.delete && {
            also: {
              act: words.deleteAct,
              onAct: async () => {
                await client.delete(ref)
                close()
              },
            },
          })}
          onClose={close}
        />
      )}
      {dialog === 'copy-failed' && (
        <Modal title={words.copy} onClose={close}>
          <Problem>{words.copyFailed}</Problem>
        </Modal>
      )}
    </>
  )
}

/** Rejects also where the page has no clipboard: it was not loaded over a secure connection. */
async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text)
}

/** In a row of a menu that otherwise goes downwards: left and right go along it, down leaves it. */
function alongTheRow(event: KeyboardEvent<HTMLElement>): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role^=menuitem]')]
  const all = [...(event.currentTarget.closest('[role=menu]')?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]
  const at = items.indexOf(document.activeElement as HTMLElement)
  const rightwards = getComputedStyle(event.currentTarget).direction === 'ltr' ? 1 : -1
  const step = event.key === 'ArrowRight' ? rightwards : event.key === 'ArrowLeft' ? -rightwards : 0
  const next =
    step !== 0
      ? items.at((at + step) % items.length)
      : event.key === 'ArrowDown'
        ? all[items.length]
        : event.key === 'ArrowUp'
          ? all.at(-1)
          : undefined
  if (at < 0 || !next) return
  event.preventDefault()
  event.stopPropagation()
  next.focus()
}
