import { type Settings, UNSET, withChange } from '@parley/protocol/settings'
import type { SettingsStore, Stay } from '../store.ts'
import type { Collections, SettingsDocument } from './collections.ts'
import { answered, BOUNDED, isDuplicate, READ, unavailable } from './connection.ts'
import type { Heads } from './heads.ts'
import type { Raise } from './raise.ts'

/** Only the devices of one user write the same document: more than this at once is no accident. */
const TRIES = 30

/** One document per user and conversation. A change is worked out here and written over the very `rev` that it was worked out from. */
export function openSettings(parts: {
  collections: Pick<Collections, 'settings'>
  heads: Heads
  raise: Raise
}): SettingsStore {
  const { heads, raise } = parts
  const { settings } = parts.collections

  async function change(stay: Stay, wanted: Parameters<SettingsStore['change']>[1], headSeq: number) {
    const { conversationId, userId, fromRev } = stay
    const head = await heads.load(conversationId)
    if (head?.conversation.members.get(userId)?.fromRev !== fromRev) return undefined
    for (let tries = 1; tries <= TRIES; tries++) {
      const kept = await settings.findOne({ userId, conversationId }, { ...BOUNDED, projection: KEPT })
      // Written by a member of a later stay: this one has ended.
      if (kept && kept.fromRev > fromRev) return undefined
      const before = settingsOf(kept ?? undefined, fromRev)
      const after = withChange(before, wanted, headSeq)
      const changed = after !== before
      // Counted on over all stays, so that no device takes an old state for a newer one.
      const next = changed ? { ...after, rev: (kept?.rev ?? 0) + 1 } : before
      if (changed && !(await replace(stay, kept?.rev, next))) continue
      // Also where nothing changed: whoever wrote it may have stopped before this.
      await raise(head.conversation, [userId], [])
      return { settings: next, changed }
    }
    throw unavailable()
  }

  /** False when another was faster. */
  async function replace(stay: Stay, rev: number | undefined, next: Settings): Promise<boolean> {
    const { conversationId, userId, fromRev } = stay
    const document: SettingsDocument = { conversationId, userId, fromRev, ...next }
    if (rev !== undefined) {
      const { matchedCount } = await settings.updateOne({ userId, conversationId, rev }, { $set: document }, BOUNDED)
      return matchedCount === 1
    }
    try {
      await settings.insertOne(document, BOUNDED)
      return true
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }

  return {
    change: (stay, wanted, headSeq) => answered(change(stay, wanted, headSeq)),
    async read(userId, stays) {
      if (stays.length === 0) return []
      const conversationIds = stays.map(({ conversationId }) => conversationId)
      const options = { ...READ, projection: KEPT }
      const found = await answered(
        settings.find({ userId, conversationId: { $in: conversationIds } }, options).toArray(),
      )
      const kept = new Map(found.map((document) => [document.conversationId, document]))
      return stays.map(({ conversationId, fromRev }) => settingsOf(kept.get(conversationId), fromRev))
    },
    async ofMembers(conversationId, members) {
      const userIds = members.map(({ userId }) => userId)
      const options = { ...READ, projection: KEPT }
      const found = await answered(settings.find({ userId: { $in: userIds }, conversationId }, options).toArray())
      const kept = new Map(found.map((document) => [document.userId, document]))
      return members.map(({ userId, fromRev }) => settingsOf(kept.get(userId), fromRev))
    },
    async pinned(userId, limit) {
      const options = { ...READ, limit, projection: { _id: 0, conversationId: 1, fromRev: 1 } }
      return answered(settings.find({ userId, pinned: { $gt: 0 } }, options).toArray())
    },
  }
}

const KEPT = { _id: 0 } as const

function settingsOf(kept: SettingsDocument | undefined, of: number): Settings {
  if (kept?.fromRev !== of) return UNSET
  const { conversationId: _, userId: __, fromRev: ___, ...settings } = kept
  return settings
}
