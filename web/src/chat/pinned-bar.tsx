import type { ConversationView, TimelineMessage } from '@parley/sdk/types'
import { useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Icon } from '../parts/icon.tsx'
import { strings } from '../strings.ts'
import styles from './pinned-bar.module.css'

type Pin = Pick<TimelineMessage, 'seq' | 'text' | 'sender'>

/** What is pinned, one at a time: pressed, it leads to the message, and shows the one pinned before it. */
export function PinnedBar({ conversation, jumpTo }: { conversation: ConversationView; jumpTo: (seq: number) => void }) {
  const { client } = useApp()
  const { id, rev } = conversation
  const [pins, setPins] = useState<readonly Pin[]>([])
  /** Counted from the one that was pinned last. */
  const [back, setBack] = useState(0)
  const seqs = conversation.pinned?.join() ?? ''
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is pinned may be edited or deleted by any entry of the log.
  useEffect(() => {
    let gone = false
    if (seqs === '') setPins([])
    else
      client.pins(id).then(
        (found) => gone || setPins(found),
        () => undefined,
      )
    return () => {
      gone = true
    }
  }, [client, id, seqs, rev])
  const place = pins.length === 0 ? 0 : back % pins.length
  const pin = pins[pins.length - 1 - place]
  if (!pin) return null
  return (
    <button
      type="button"
      className={styles.bar}
      onClick={() => {
        jumpTo(pin.seq)
        setBack(place + 1)
      }}
    >
      <Icon name="pin" size={18} />
      <span className={styles.what}>
        <span className={styles.title}>{strings.chat.pinned(pins.length - place, pins.length)}</span>
        <span className={styles.text} dir="auto">
          <bdi>{pin.sender}</bdi>: {pin.text}
        </span>
      </span>
    </button>
  )
}
