import type { TimelineMessage } from '@parley/sdk/types'
import { ListedMessage, MessageList } from '../parts/listed-message.tsx'
import { Modal } from '../parts/modal.tsx'
import { strings } from '../strings.ts'

/** All that is pinned in a conversation, what was pinned last on top. */
export function Pinned({
  pins,
  jumpTo,
  onClose,
}: {
  /** In the order in which they were pinned. */
  pins: readonly Pick<TimelineMessage, 'id' | 'seq' | 'senderId' | 'sender' | 'text' | 'createdAt'>[]
  jumpTo: (seq: number) => void
  onClose: () => void
}) {
  return (
    <Modal title={strings.chat.pinnedTitle} onClose={onClose}>
      <MessageList>
        {pins.toReversed().map((pin) => (
          <ListedMessage
            key={pin.id}
            message={pin}
            onOpen={() => {
              onClose()
              jumpTo(pin.seq)
            }}
          />
        ))}
      </MessageList>
    </Modal>
  )
}
