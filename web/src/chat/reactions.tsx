import type { ConversationView } from '@parley/sdk/types'
import { useMe, useShownMembers } from '../app-context.tsx'
import { reactors } from '../state/reactions.ts'
import type { Row } from '../state/rows.ts'
import { strings } from '../strings.ts'
import styles from './reactions.module.css'
import { useMessage } from './use-message.ts'

/** The emoji under a message; a press sets or takes back one's own. */
export function Reactions({
  row,
  conversation,
  tabIndex,
}: {
  row: Row
  conversation: ConversationView
  tabIndex: 0 | -1
}) {
  const me = useMe()
  const { react } = useMessage(conversation.id, row)
  const members = useShownMembers(conversation.members)
  if (!row.reactions) return null
  return (
    <ul className={styles.reactions} aria-label={strings.message.reactions}>
      {row.reactions.map((reaction) => {
        const { emoji, userIds, mine } = reaction
        const names = reactors(reaction, me.id, members)
        return (
          <li key={emoji}>
            <button
              type="button"
              tabIndex={tabIndex}
              aria-pressed={mine}
              aria-label={strings.message.reaction(emoji, userIds.length, names)}
              title={names}
              onClick={() => react(emoji, !mine)}
            >
              {emoji} {userIds.length}
            </button>
          </li>
        )
      })}
    </ul>
  )
}
