import { withoutMarks } from '@parley/protocol/markup'
import type { ConversationView, TimelineMessage } from '@parley/sdk/types'
import { useEffect, useState } from 'react'
import { useApp, useNames } from '../app-context.tsx'
import { Pinned } from '../dialogs/pinned.tsx'
import { Icon } from '../parts/icon.tsx'
import { strings } from '../strings.ts'
import styles from './pinned-bar.module.css'

type Pin = Pick<TimelineMessage, 'id' | 'seq' | 'senderId' | 'sender' | 'text' | 'createdAt'>

/** What is pinned, one at a time: pressed, it leads to the message, and shows the one pinned before it. Beside it, where there are several, all of them. */
export function PinnedBar({ conversation, jumpTo }: { conversation: ConversationView; jumpTo: (seq: number) => void }) {
  const { client } = useApp()
  const { id, rev } = conversation
  const [pins, setPins] = useState<readonly Pin[]>([])
  /** Counted from the one that was pinned last. */
  const [back, setBack] = useState(0)
  const [listed, setListed] = useState(false)
  const names = useNames()
  const seqs = conversation.pinned?.join() ?? ''
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is pinned may be edited or deleted by any entry of the log.
  useEffect(() => {
    let gone = false
    if (seqs === '') {
      setPins([])
      setListed(false)
    } else
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
    <div className={styles.bar}>
      <button
        type="button"
        className={styles.one}
        onClick={() => {
          jumpTo(pin.seq)
          setBack(place + 1)
        }}
      >
        <Icon name="pin" size={18} />
        <span className={styles.what}>
          <span className={styles.title}>{strings.chat.pinned(pins.length - place, pins.length)}</span>
          <span className={styles.text} dir="auto">
            <bdi>{names(pin.senderId, pin.sender)}</bdi>: {withoutMarks(pin.text)}
          </span>
        </span>
      </button>
      {pins.length > 1 && (
        <button
          type="button"
          className={styles.all}
          aria-haspopup="dialog"
          aria-label={strings.chat.allPinned(pins.length)}
          title={strings.chat.allPinned(pins.length)}
          onClick={() => setListed(true)}
        >
          {pins.length}
        </button>
      )}
      {listed && <Pinned pins={pins} jumpTo={jumpTo} onClose={() => setListed(false)} />}
    </div>
  )
}
