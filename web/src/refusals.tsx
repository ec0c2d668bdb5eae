import type { OutboxItem } from '@parley/sdk/types'
import { useEffect, useState } from 'react'
import { useApp, useTitles } from './app-context.tsx'
import { Modal } from './parts/modal.tsx'
import { Problem } from './parts/notice.tsx'
import styles from './refusals.module.css'
import { strings } from './strings.ts'

/** Tells of a change of a message that the server refused, whatever one looks at by then; what one wrote in it stays to be copied. */
export function Refusals() {
  const { client } = useApp()
  const titles = useTitles()
  const [item, setItem] = useState<OutboxItem>()
  useEffect(() => client.on('refused', (refused) => refused.change && setItem(refused)), [client])
  if (!item?.change) return null
  const { action } = item.change
  const { to } = item
  const conversation = client.conversations.get().find((one) => 'conversationId' in to && one.id === to.conversationId)
  return (
    <Modal title={strings.message.refused[action.kind]} onClose={() => setItem(undefined)}>
      <Problem>{item.refused?.detail}</Problem>
      {conversation && <p>{strings.message.refusedIn(titles(conversation))}</p>}
      {action.kind === 'edit' && (
        <blockquote className={styles.text} dir="auto">
          {action.text}
        </blockquote>
      )}
    </Modal>
  )
}
