import { withoutMarks } from '@parley/protocol/markup'
import { isMuted } from '@parley/protocol/settings'
import type { ConversationView, TimelineMessage } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { type KnownPeople, shownName, titleOf } from './titles.ts'

/** More than so many at once are counted, not read out. */
const READ_OUT = 3

/** True for what a reader does not know yet and wants to be told of: not one's own, not read before, not muted. To be asked as it arrives. */
export function isNews(
  message: TimelineMessage,
  conversations: readonly ConversationView[],
  now = new Date(),
): boolean {
  const conversation = conversations.find((one) => one.id === message.conversationId)
  const settings = conversation?.me.settings
  const wanted = settings?.level === 'all' || (settings?.level === 'mentions' && message.namesMe)
  if (settings && (!wanted || isMuted(settings, now))) return false
  return !message.mine && message.seq > (conversation?.me.readSeq ?? 0)
}

/** What a screen reader is told of news that came in together. */
export function announcement(
  news: readonly TimelineMessage[],
  conversations: readonly ConversationView[],
  openId: string | undefined,
  people: KnownPeople,
  meId: string,
): string {
  if (news.length > READ_OUT) return strings.chat.arrivedMany(news.length)
  return news
    .map((message) => {
      const sender = shownName(people, message.senderId, message.sender)
      if (message.conversationId === openId) return strings.chat.arrived(sender, withoutMarks(message.text))
      const conversation = conversations.find((one) => one.id === message.conversationId)
      return strings.chat.arrivedElsewhere(sender, conversation ? titleOf(conversation, people, meId) : sender)
    })
    .join('\n')
}
