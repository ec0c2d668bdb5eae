import { Fault } from '@parley/kit/fault'
import type { Limits } from '@parley/protocol/limits'
import type { Settings, SettingsChange } from '@parley/protocol/settings'
import type { Fanout } from './fanout/fanout.ts'
import { noConversation, seenBy } from './membership/membership.ts'
import type { ChatStore } from './store/store.ts'

/** A member's own settings of a conversation: muted, archived, pinned, what to be told of, a draft. */
export interface OwnSettings {
  /**
   * Merges what is given, and tells the member's own devices once it is stored. `not_found` for who is no member,
   * `validation.failed` when as many are pinned as may be (several pinned in the same moment may pass that).
   */
  change(userId: string, conversationId: string, change: SettingsChange): Promise<Settings>
}

/** What has been left while pinned is still among what the store gives; so many are looked through. */
const PINNED_READ = 200

export function openOwnSettings(
  store: Pick<ChatStore, 'log' | 'settings'>,
  fanout: Pick<Fanout, 'event'>,
  limits: Limits,
): OwnSettings {
  const { log, settings } = store

  async function mustHavePlace(userId: string, conversationId: string): Promise<void> {
    const pinned = await settings.pinned(userId, PINNED_READ)
    if (pinned.length < limits.pinnedConversations) return
    const others = pinned.filter((stay) => stay.conversationId !== conversationId)
    const present = await Promise.all(
      others.map(async (stay) => {
        const conversation = await log.findConversation(stay.conversationId)
        return conversation?.members.get(userId)?.fromRev === stay.fromRev
      }),
    )
    if (present.filter(Boolean).length >= limits.pinnedConversations)
      throw new Fault('validation.failed', `At most ${limits.pinnedConversations} conversations can be pinned`)
  }

  return {
    async change(userId, conversationId, change) {
      const { conversation, me } = await seenBy(log, userId, conversationId)
      if (typeof change.pinned === 'number') await mustHavePlace(userId, conversationId)
      const stay = { conversationId, userId, fromRev: me.fromRev }
      const done = await settings.change(stay, change, conversation.headSeq)
      if (!done) throw noConversation()
      const data = { conversationId, settings: done.settings }
      if (done.changed)
        void fanout.event('conversation.settings', data, {
          conversationId,
          membersRev: conversation.membersRev,
          only: [userId],
        })
      return done.settings
    },
  }
}
