import type { ChatDirectory, Standing } from '@parley/protocol/standing'
import type { Watch } from './store/watches.ts'

/** Questions that are asked of what waits. What lies before the messages that they give has waited among so many that it is told as a number. */
const MOST_PAGES = 5
const NOTHING: Standing = { kind: 'group', title: '', headSeq: 0, messages: [], members: [] }

/** The conversation and those members, with what is to be told, ascending and without a gap up to the last: of very many messages the last ones. */
export async function tellingOf(
  chat: ChatDirectory,
  { conversationId, fromSeq, toSeq }: Watch,
  userIds: readonly string[],
): Promise<Standing> {
  const last = await chat.standing({ conversationId, fromSeq, toSeq, userIds })
  // Whoever restored an older chat store than this one is told nothing of what is gone.
  if (!last) return NOTHING
  let messages = last.messages
  for (let pages = 1; pages < MOST_PAGES && messages[0] && messages[0].seq > fromSeq; pages++) {
    const before = { conversationId, fromSeq, toSeq: messages[0].seq - 1, userIds: [] }
    const page = await chat.standing(before)
    messages = [...(page?.messages ?? []), ...messages]
  }
  return { ...last, messages }
}
