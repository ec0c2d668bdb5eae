import { withoutMarks } from '@parley/protocol/markup'
import type { ConversationView, TimelineMessage } from '@parley/sdk/types'
import { useEffect, useState } from 'react'
import { useApp, useNames } from '../app-context.tsx'
import { Pinned } from '../dialogs/pinned.tsx'
import { Icon } from '../parts/icon.tsx'
import { pinsAt } from '../state/pins.ts'
import { strings } from '../strings.ts'
import styles from './pinned-bar.module.css'

type Pin = Pick<TimelineMessage, 'id' | 'seq' | 'senderId' | 'sender' | 'text' | 'createdAt' | 'expiresAt'>

/** Timers that wait longer would overflow, or sleep through a clock that is set. */
const LONGEST_MS = 600_000

/** What is pinned, one at a time: pressed, it leads to the message, and shows the one pinned before it. Beside it, where there are several, all of them. */
export function PinnedBar({ conversation, jumpTo }: { conversation: ConversationView; jumpTo: (seq: number) => void }) {
  const { client } = useApp()
  const { id, rev } = conversation
  const [read, setRead] = useState<readonly Pin[]>([])
  const [now, setNow] = useState(Date.now)
  /** Counted from the one that was pinned last. */
  const [back, setBack] = useState(0)
  const [listed, setListed] = useState(false)
  const names = useNames()
  const seqs = conversation.pinned?.join() ?? ''
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is pinned may be edited or deleted by any entry of the log.
  useEffect(() => {
    let gone = false
    const take = (found: readonly Pin[]) => {
      setNow(Date.now())
      setRead(found)
    }
    if (seqs === '') {
      setRead([])
      setListed(false)
    } else
      client.pins(id).then(
        (found) => gone || take(found),
        () => undefined,
      )
    return () => {
      gone = true
    }
  }, [client, id, seqs, rev])
  // Nothing in the log says that a message disappears.
  const { shown: pins, nextEnd } = pinsAt(read, now)
  const wait = nextEnd === undefined ? undefined : Math.min(nextEnd - now, LONGEST_MS)
  useEffect(() => {
    const timer = wait === undefined ? undefined : setInterval(() => setNow(Date.now()), wait)
    return () => clearInterval(timer)
  }, [wait])
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
